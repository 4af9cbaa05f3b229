#include "model/media/worker/audio_track.h"

extern "C" {
#include <libavutil/channel_layout.h>
}

#include <algorithm>

#include "absl/strings/str_format.h"
#include "proto/base/status_macros.h"

namespace mixmatch::model {
namespace {

constexpr int64_t kChoosingSamples = int64_t{30} * kSampleRate;
constexpr int64_t kLiveChoosingSamples = int64_t{3} * kSampleRate;
constexpr double kGapSeconds = 0.5;  // Smaller ones are the rounding and jitter of clocks.
constexpr double kMostSilence = 600.0;  // Filled in beyond what sounds: a few damaged bytes must not cost hours.
constexpr double kDeadShare = 1e-5;  // Of the loudest channel's energy: 50 dB down.
constexpr int kMaxChannels = 16;

}  // namespace

AudioTrack::AudioTrack(ResponseWriter* writer, bool live)
    : writer_(writer),
      choosing_samples_(live ? kLiveChoosingSamples : kChoosingSamples),
      record_samples_(live ? kSampleRate / 4 : kSampleRate) {}

absl::Status AudioTrack::Add(const AVFrame& frame, double seconds) {
  if (frame.nb_samples <= 0) return absl::OkStatus();
  const bool changed = frame.sample_rate != in_rate_ || frame.format != in_format_ ||
                       av_channel_layout_compare(&frame.ch_layout, &in_layout_) != 0;
  if (resampler_ == nullptr || changed) {
    if (resampler_ == nullptr) start_seconds_ = seconds;
    MIXMATCH_RETURN_IF_ERROR(Configure(frame));
  }
  MIXMATCH_RETURN_IF_ERROR(FillGap(seconds));
  return Resample(const_cast<const uint8_t**>(frame.extended_data), frame.nb_samples);
}

// Until `seconds`, if that is well after what there is.
absl::Status AudioTrack::FillGap(double seconds) {
  const double gap = seconds - start_seconds_ - this->seconds();
  if (gap < kGapSeconds) return absl::OkStatus();
  silent_seconds_ += gap;
  if (silent_seconds_ > kMostSilence + (this->seconds() + gap - silent_seconds_)) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "content: got a sound track whose clock leaps over %.0f s in all, wanted at most %g and as much as it sounds; make it "
        "again",
        silent_seconds_, kMostSilence));
  }
  int64_t left = static_cast<int64_t>(gap * kSampleRate);
  while (left > 0) {
    const int64_t some = std::min<int64_t>(left, kSampleRate);
    for (std::vector<float>& channel : pending_) channel.resize(channel.size() + some, 0.0f);
    samples_ += some;
    left -= some;
    if (static_cast<int64_t>(pending_[0].size()) >= choosing_samples_) Emit();
  }
  return absl::OkStatus();
}

absl::Status AudioTrack::Finish() {
  if (resampler_ == nullptr) return absl::OkStatus();
  MIXMATCH_RETURN_IF_ERROR(Resample(nullptr, 0));
  Emit();
  return absl::OkStatus();
}

absl::Status AudioTrack::Configure(const AVFrame& frame) {
  const int channels = frame.ch_layout.nb_channels;
  if (channels < 1 || channels > kMaxChannels || frame.sample_rate < 1000 || frame.sample_rate > 768'000) {
    return absl::InvalidArgumentError(absl::StrCat("content: got sound of ", channels, " channels at ",
                                                   frame.sample_rate, " Hz, wanted 1 to ", kMaxChannels,
                                                   " at 1 to 768 kHz"));
  }
  if (resampler_ != nullptr) MIXMATCH_RETURN_IF_ERROR(Resample(nullptr, 0));
  av_channel_layout_copy(&in_layout_, &frame.ch_layout);
  in_rate_ = frame.sample_rate;
  in_format_ = frame.format;
  if (pending_.empty()) {
    av_channel_layout_copy(&layout_, &frame.ch_layout);
    pending_.resize(channels);
  }
  SwrContext* made = nullptr;
  int error = swr_alloc_set_opts2(&made, &layout_, AV_SAMPLE_FMT_FLTP, kSampleRate, &in_layout_,
                                  static_cast<AVSampleFormat>(in_format_), in_rate_, 0, nullptr);
  resampler_.reset(made);
  if (error >= 0) error = swr_init(made);
  return error < 0 ? MediaError(error, "the sound track") : absl::OkStatus();
}

absl::Status AudioTrack::Resample(const uint8_t** data, int count) {
  const int room = swr_get_out_samples(resampler_.get(), count);
  if (room < 0) return MediaError(room, "the sound track");
  const size_t old = pending_[0].size();
  uint8_t* out[kMaxChannels] = {};
  for (size_t c = 0; c < pending_.size(); ++c) {
    pending_[c].resize(old + room);
    out[c] = reinterpret_cast<uint8_t*>(pending_[c].data() + old);
  }
  const int got = room == 0 ? 0 : swr_convert(resampler_.get(), out, room, data, count);
  for (std::vector<float>& channel : pending_) channel.resize(old + std::max(got, 0));
  if (got < 0) return MediaError(got, "the sound track");
  samples_ += got;
  const int64_t full = gains_.empty() ? choosing_samples_ : record_samples_;
  if (static_cast<int64_t>(pending_[0].size()) >= full) Emit();
  return absl::OkStatus();
}

void AudioTrack::ChooseChannels() {
  std::vector<double> energies;
  for (const std::vector<float>& channel : pending_) {
    double energy = 0.0;
    for (float sample : channel) energy += static_cast<double>(sample) * sample;
    energies.push_back(energy);
  }
  const double least = kDeadShare * *std::max_element(energies.begin(), energies.end());
  const auto alive = std::count_if(energies.begin(), energies.end(), [&](double energy) { return energy >= least; });
  for (double energy : energies) gains_.push_back(energy >= least ? 1.0f / std::max<float>(alive, 1.0f) : 0.0f);
}

void AudioTrack::Emit() {
  if (gains_.empty()) ChooseChannels();
  std::vector<float> mono(pending_[0].size(), 0.0f);
  for (size_t c = 0; c < pending_.size(); ++c) {
    for (size_t i = 0; i < mono.size(); ++i) mono[i] += gains_[c] * pending_[c][i];
    pending_[c].clear();
  }
  writer_->Samples(start_seconds_, mono);
}

}  // namespace mixmatch::model
