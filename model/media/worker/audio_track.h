// A sound track's frames to mono floats at kSampleRate.
#ifndef MIXMATCH_MODEL_MEDIA_WORKER_AUDIO_TRACK_H_
#define MIXMATCH_MODEL_MEDIA_WORKER_AUDIO_TRACK_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "model/media/worker/ffmpeg.h"
#include "model/media/worker/response_writer.h"

namespace mixmatch::model {

// Mono is the mean of the channels that sound: a channel that stays 50 dB below the loudest over the first half minute
// counts as dead, as the left one of many a recording is; over the first three seconds of a live stream. A gap in the
// clock of a track is silence. Not thread-safe.
class AudioTrack {
 public:
  AudioTrack(ResponseWriter* writer, bool live);

  // `seconds`: when the frame starts, from the item's start.
  absl::Status Add(const AVFrame& frame, double seconds);
  absl::Status Finish();

  // Of all sound so far.
  double seconds() const { return static_cast<double>(samples_) / kSampleRate; }
  double start_seconds() const { return start_seconds_; }

 private:
  absl::Status Configure(const AVFrame& frame);
  absl::Status Resample(const uint8_t** data, int count);
  void ChooseChannels();
  void Emit();

  absl::Status FillGap(double seconds);

  ResponseWriter* writer_;
  const int64_t choosing_samples_;
  const int64_t record_samples_;
  SwrPtr resampler_;
  AVChannelLayout in_layout_ = {};  // Of the last frame.
  int in_rate_ = 0;
  int in_format_ = -1;
  AVChannelLayout layout_ = {};              // Of the first frame; all later ones are mixed to it.
  std::vector<std::vector<float>> pending_;  // One a channel.
  std::vector<float> gains_;                 // One a channel; empty until chosen.
  double start_seconds_ = 0.0;
  double silent_seconds_ = 0.0;  // Of them, filled in.
  int64_t samples_ = 0;
};

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_WORKER_AUDIO_TRACK_H_
