// Texts: UTF-8, or UTF-16 with a byte order mark.
#ifndef MIXMATCH_MODEL_MEDIA_WORKER_TEXT_H_
#define MIXMATCH_MODEL_MEDIA_WORKER_TEXT_H_

#include "absl/status/status.h"
#include "model/media/wire.h"
#include "model/media/worker/content.h"
#include "model/media/worker/response_writer.h"

namespace mixmatch::model {

// Writes the text and the end of the response, or returns why not.
absl::Status DecodeText(const Content& content, const WireRequest& request, ResponseWriter* writer);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_WORKER_TEXT_H_
