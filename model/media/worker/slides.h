// PresentationML: the slides of a .pptx document (ECMA-376 part 1, 19).
#ifndef MIXMATCH_MODEL_MEDIA_WORKER_SLIDES_H_
#define MIXMATCH_MODEL_MEDIA_WORKER_SLIDES_H_

#include "model/media/worker/document_writer.h"
#include "model/media/worker/package.h"

namespace mixmatch::model {

// `root` is the presentation. Pages are slides in their order; titles are headings; shapes outside of groups have boxes.
// Notes follow their slide.
absl::Status AddSlides(const pugi::xml_node& root, const Relationships& relationships, ZipFile* zip,
                       const WireRequest& request, DocumentWriter* document);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_WORKER_SLIDES_H_
