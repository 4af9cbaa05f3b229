// EPUB books: chapters of XHTML in the order of reading (EPUB 3.3, 5 and 6).
#ifndef MIXMATCH_MODEL_MEDIA_WORKER_EPUB_H_
#define MIXMATCH_MODEL_MEDIA_WORKER_EPUB_H_

#include "model/media/worker/document_writer.h"
#include "model/media/worker/package.h"

namespace mixmatch::model {

// Pages are the files of the reading order; its picture in front is the cover.
absl::Status AddEpub(ZipFile* zip, const WireRequest& request, DocumentWriter* document);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_WORKER_EPUB_H_
