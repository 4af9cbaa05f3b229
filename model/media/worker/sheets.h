// SpreadsheetML: the sheets of a .xlsx document (ECMA-376 part 1, 18).
#ifndef MIXMATCH_MODEL_MEDIA_WORKER_SHEETS_H_
#define MIXMATCH_MODEL_MEDIA_WORKER_SHEETS_H_

#include "model/media/worker/document_writer.h"
#include "model/media/worker/package.h"

namespace mixmatch::model {

// `root` is the workbook. Pages are sheets; each is a table of what its cells hold (dates as the numbers that they are
// stored as), then its pictures. Empty rows and columns are left out.
absl::Status AddSheets(const pugi::xml_node& root, const Relationships& relationships, ZipFile* zip,
                       const WireRequest& request, DocumentWriter* document);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_WORKER_SHEETS_H_
