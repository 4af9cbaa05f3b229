// A video track's frames to few, small, evenly spaced pictures.
#ifndef MIXMATCH_MODEL_MEDIA_WORKER_VIDEO_TRACK_H_
#define MIXMATCH_MODEL_MEDIA_WORKER_VIDEO_TRACK_H_

#include <cstdint>

#include <algorithm>
#include <cstdint>

#include "absl/status/status.h"
#include "model/media/wire.h"
#include "model/media/worker/ffmpeg.h"
#include "model/media/worker/frame_scaler.h"
#include "model/media/worker/response_writer.h"

namespace mixmatch::model {

// Gives the first frame of each step of 1 / frames_per_second. Where max_frames is not 0, `expected_seconds` (0:
// unknown) widens the step so that so many suffice.
class VideoTrack {
 public:
  VideoTrack(const WireRequest& request, double expected_seconds, const int32_t* matrix, ResponseWriter* writer);

  // `seconds` from the item's start; frames out of order are skipped.
  absl::Status Add(const AVFrame& frame, double seconds);

  // From now on no more than this.
  void SlowDown(double frames_per_second) { step_ = std::max(step_, 1.0 / std::max(frames_per_second, 1e-3)); }

  // True if nothing was seen.
  bool empty() const { return frames_ == 0; }

 private:
  double step_;
  double next_ = 0.0;
  double last_ = 0.0;
  int64_t frames_ = 0;
  const int32_t* matrix_;
  FrameScaler scaler_;
  ResponseWriter* writer_;
};

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_WORKER_VIDEO_TRACK_H_
