// Cutting and shrinking of RGB pictures that are in memory.
#ifndef MIXMATCH_MODEL_MEDIA_WORKER_PIXELS_H_
#define MIXMATCH_MODEL_MEDIA_WORKER_PIXELS_H_

#include "absl/strings/string_view.h"
#include "model/media/worker/response_writer.h"

namespace mixmatch::model {

// Packed RGB of width * height * 3 bytes. Owns nothing.
struct Pixels {
  int width = 0;
  int height = 0;
  absl::string_view rgb;
};

// Left and top are inside, right and bottom outside.
struct PixelBox {
  int left = 0, top = 0, right = 0, bottom = 0;
  bool empty() const { return right <= left || bottom <= top; }
};

// The least box within `box` that holds everything that is not nearly white; empty if all is.
PixelBox InkBox(const Pixels& pixels, PixelBox box);

// The box, made smaller by the mean over areas so that its longer side is at most `side`; never enlarged. Not empty.
Picture Shrunk(const Pixels& pixels, const PixelBox& box, int side);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_WORKER_PIXELS_H_
