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

VideoTrack::VideoTrack(const WireRequest& request, double expected_seconds, const int32_t* matrix)
    : max_frames_(std::max(request.max_frames, 1)),
      step_(std::max(1.0 / std::max(request.frames_per_second, 1e-3), expected_seconds / max_frames_)),
      matrix_(matrix),
      scaler_(request.frame_side) {}

absl::Status VideoTrack::Add(const AVFrame& frame, double seconds) {
  seconds = std::max(seconds, 0.0);
  const bool backwards = !frames_.empty() && seconds < frames_.back().first;
  if (backwards || (!frames_.empty() && seconds < next_ - kClockSlack)) return absl::OkStatus();
  const int32_t* matrix = matrix_;
  if (const AVFrameSideData* turn = av_frame_get_side_data(&frame, AV_FRAME_DATA_DISPLAYMATRIX); turn != nullptr) {
    matrix = reinterpret_cast<const int32_t*>(turn->data);
  }
  MIXMATCH_ASSIGN_OR_RETURN(Picture picture, scaler_.Scale(frame, frame.sample_aspect_ratio, matrix));
  if (static_cast<int>(frames_.size()) >= max_frames_) ThinOut();
  if (static_cast<int>(frames_.size()) < max_frames_) frames_.emplace_back(seconds, std::move(picture));
  next_ = (std::floor((seconds + kClockSlack) / step_) + 1.0) * step_;
  return absl::OkStatus();
}

void VideoTrack::ThinOut() {
  size_t kept = 0;
  for (size_t i = 0; i < frames_.size(); i += 2) std::swap(frames_[kept++], frames_[i]);
  frames_.resize(kept);
  step_ *= 2.0;
}

void VideoTrack::Write(ResponseWriter* writer) const {
  for (const auto& [seconds, picture] : frames_) writer->Frame(seconds, picture);
}

}  // namespace mixmatch::model
