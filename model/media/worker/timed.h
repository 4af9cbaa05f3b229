// Sounds and videos, with their subtitles.
#ifndef MIXMATCH_MODEL_MEDIA_WORKER_TIMED_H_
#define MIXMATCH_MODEL_MEDIA_WORKER_TIMED_H_

#include "absl/status/status.h"
#include "model/media/wire.h"
#include "model/media/worker/content.h"
#include "model/media/worker/response_writer.h"

namespace mixmatch::model {

// Writes the item and the end of the response, or returns why not. A file that ends long before the time its
// container states is refused as truncated.
absl::Status DecodeTimed(Content& content, const WireRequest& request, ResponseWriter* writer);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_WORKER_TIMED_H_
