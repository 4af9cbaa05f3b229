// Pages of a PDF as Poppler's programs describe them: words with their places, and a picture of each page.
#ifndef MIXMATCH_MODEL_MEDIA_WORKER_PDF_H_
#define MIXMATCH_MODEL_MEDIA_WORKER_PDF_H_

#include "absl/status/status.h"
#include "model/media/wire.h"
#include "model/media/worker/content.h"
#include "model/media/worker/response_writer.h"

namespace mixmatch::model {

// `content` is a PdfPagesHeader and what it names; its first page is request.first_page. Writes for each page its look,
// its texts, and for each caption ("Figure 3", in several languages) the part of the page that it stands under or over,
// as a figure; for that of a table ("Table 3") its rows, where words stand in columns. Then the end of the response. Or
// returns why not.
absl::Status DecodePdfPages(const Content& content, const WireRequest& request, ResponseWriter* writer);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_WORKER_PDF_H_
