// Decoded frames to small upright RGB pictures on white.
#ifndef MIXMATCH_MODEL_MEDIA_WORKER_FRAME_SCALER_H_
#define MIXMATCH_MODEL_MEDIA_WORKER_FRAME_SCALER_H_

#include <array>
#include <cstdint>

#include "absl/status/statusor.h"
#include "model/media/worker/ffmpeg.h"
#include "model/media/worker/response_writer.h"

namespace mixmatch::model {

// `width` and `height` scaled, keeping their ratio, so that the longer is at most `side` and neither is below 1.
std::array<int, 2> FitWithin(int width, int height, int side);

// Keeps its scaler from frame to frame. Not thread-safe.
class FrameScaler {
 public:
  explicit FrameScaler(int side) : side_(side) {}

  // Longer side at most `side`: averaged over areas, never enlarged. Non-square pixels (`sample_aspect_ratio`, 0 if
  // unknown) are made square. `matrix`: nine numbers as in libavutil/display.h, or null; the nearest quarter turn or
  // flip is applied.
  absl::StatusOr<Picture> Scale(const AVFrame& frame, AVRational sample_aspect_ratio, const int32_t* matrix);

 private:
  absl::StatusOr<FramePtr> Convert(const AVFrame& frame, AVPixelFormat format, int width, int height);

  int side_;
  SwsPtr scaler_;
};

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_WORKER_FRAME_SCALER_H_
