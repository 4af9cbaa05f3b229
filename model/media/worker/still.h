// Still pictures: JPEG, PNG, WebP, GIF (first frame), BMP.
#ifndef MIXMATCH_MODEL_MEDIA_WORKER_STILL_H_
#define MIXMATCH_MODEL_MEDIA_WORKER_STILL_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/media/wire.h"
#include "model/media/worker/content.h"
#include "model/media/worker/response_writer.h"

namespace mixmatch::model {

// The picture, its longer side at most request.image_side, with its scan if `read_words`. The header's size is checked
// before any pixel is decoded.
absl::StatusOr<Picture> ReadStill(const Content& content, const std::string& media_type, const WireRequest& request,
                                  bool read_words);

// Writes the picture and the end of the response, or returns why not.
absl::Status DecodeStill(const Content& content, const std::string& media_type, const WireRequest& request,
                         ResponseWriter* writer);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_WORKER_STILL_H_
