#include "model/media/worker/video_track.h"

extern "C" {
#include <libavutil/display.h>
}

#include <algorithm>
#include <cmath>

#include "proto/base/status_macros.h"

namespace mixmatch::model {
namespace {

constexpr double kClockSlack = 1e-3;  // Seconds: containers round their clocks, Matroska's to 1 ms.

}  // namespace

VideoTrack::VideoTrack(const WireRequest& request, double expected_seconds, const int32_t* matrix,
                       ResponseWriter* writer)
    : step_(1.0 / std::max(request.frames_per_second, 1e-3)),
      matrix_(matrix),
      scaler_(request.frame_side),
      writer_(writer) {
  if (request.max_frames > 0) step_ = std::max(step_, expected_seconds / request.max_frames);
}

absl::Status VideoTrack::Add(const AVFrame& frame, double seconds) {
  seconds = std::max(seconds, 0.0);
  if (frames_ > 0 && (seconds < last_ || seconds < next_ - kClockSlack)) return absl::OkStatus();
  const int32_t* matrix = matrix_;
  if (const AVFrameSideData* turn = av_frame_get_side_data(&frame, AV_FRAME_DATA_DISPLAYMATRIX); turn != nullptr) {
    matrix = reinterpret_cast<const int32_t*>(turn->data);
  }
  MIXMATCH_ASSIGN_OR_RETURN(const Picture picture, scaler_.Scale(frame, frame.sample_aspect_ratio, matrix));
  writer_->Frame(seconds, picture);
  ++frames_;
  last_ = seconds;
  next_ = (std::floor((seconds + kClockSlack) / step_) + 1.0) * step_;
  return absl::OkStatus();
}

}  // namespace mixmatch::model
