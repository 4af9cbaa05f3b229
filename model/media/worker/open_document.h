// OpenDocument texts, spreadsheets and presentations (ISO/IEC 26300-1).
#ifndef MIXMATCH_MODEL_MEDIA_WORKER_OPEN_DOCUMENT_H_
#define MIXMATCH_MODEL_MEDIA_WORKER_OPEN_DOCUMENT_H_

#include "absl/strings/string_view.h"
#include "model/media/worker/document_writer.h"
#include "model/media/worker/package.h"

namespace mixmatch::model {

bool IsOpenDocument(absl::string_view media_type);

// Pages are slides, sheets, or the pages of a text as its writer broke them last (soft-page-break); without such marks a
// text has none. Captions are paragraphs of the style Caption and of those that inherit from it.
// INVALID_ARGUMENT if it is encrypted.
absl::Status AddOpenDocument(ZipFile* zip, const WireRequest& request, DocumentWriter* document);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_WORKER_OPEN_DOCUMENT_H_
