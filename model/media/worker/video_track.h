// A video track's frames to few, small, evenly spaced pictures.
#ifndef MIXMATCH_MODEL_MEDIA_WORKER_VIDEO_TRACK_H_
#define MIXMATCH_MODEL_MEDIA_WORKER_VIDEO_TRACK_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "model/media/wire.h"
#include "model/media/worker/ffmpeg.h"
#include "model/media/worker/frame_scaler.h"
#include "model/media/worker/response_writer.h"

namespace mixmatch::model {

// Keeps the first frame of each step of 1 / frames_per_second. `expected_seconds`, 0 if unknown, widens the step
// beforehand so that max_frames suffice; when it was wrong, every other frame goes and the step doubles.
class VideoTrack {
 public:
  VideoTrack(const WireRequest& request, double expected_seconds, const int32_t* matrix);

  // `seconds` from the item's start; frames out of order are skipped.
  absl::Status Add(const AVFrame& frame, double seconds);

  // True if nothing was seen.
  bool empty() const { return frames_.empty(); }

  void Write(ResponseWriter* writer) const;

 private:
  void ThinOut();

  int max_frames_;
  double step_;
  double next_ = 0.0;
  const int32_t* matrix_;
  FrameScaler scaler_;
  std::vector<std::pair<double, Picture>> frames_;
};

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_WORKER_VIDEO_TRACK_H_
