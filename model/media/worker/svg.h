// SVG pictures, drawn by librsvg and cairo on white.
#ifndef MIXMATCH_MODEL_MEDIA_WORKER_SVG_H_
#define MIXMATCH_MODEL_MEDIA_WORKER_SVG_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/media/wire.h"
#include "model/media/worker/content.h"
#include "model/media/worker/response_writer.h"

namespace mixmatch::model {

// Draws a picture with words, so that fonts and their settings are loaded while files can still be opened.
void WarmSvg();

// The picture, its longer side at image_side, with its scan if `read_words`.
absl::StatusOr<Picture> ReadSvg(const Content& content, const WireRequest& request, bool read_words);

// Writes the picture, its longer side at image_side, and the end of the response, or returns why not.
absl::Status DecodeSvg(const Content& content, const WireRequest& request, ResponseWriter* writer);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_WORKER_SVG_H_
