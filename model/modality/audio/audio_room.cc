#include "model/modality/audio/audio_room.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "model/modality/audio/audio_features.h"
#include "model/modality/audio/log_mel.h"

namespace mixmatch::model {
namespace {

constexpr int kPatch = 16;                                   // Frames, and bands, of a token.
constexpr int kTokenBands = 64;                              // Four patches high,
constexpr int kMostColumns = kMostTokens * kPatch / (kTokenBands / kPatch);  // 256 frames: 2.56 s at full rate.

// Log-mel patches of 16 bands x 16 frames, four a stretch of time from low to high; each byte is decibels below the
// loudest, 0 for -60 and less. Longer sounds are averaged in time to fit.
Tokens AudioTokens(absl::Span<const float> pcm) {
  const MelEnergies mel = ComputeMel(pcm, kTokenBands);
  const int step = std::max(1, (mel.frames + kMostColumns - 1) / kMostColumns);
  const int columns = (mel.frames + step - 1) / step;
  const int stretches = (columns + kPatch - 1) / kPatch;
  std::vector<float> energy(static_cast<size_t>(stretches) * kPatch * kTokenBands, 0.0f);
  float loudest = 1e-12f;
  for (int c = 0; c < columns; ++c) {
    const int end = std::min(mel.frames, (c + 1) * step);
    for (int t = c * step; t < end; ++t) {
      for (int b = 0; b < kTokenBands; ++b) energy[c * kTokenBands + b] += mel.row(t)[b] / (end - c * step);
    }
    for (int b = 0; b < kTokenBands; ++b) loudest = std::max(loudest, energy[c * kTokenBands + b]);
  }
  Tokens tokens;
  for (int s = 0; s < stretches; ++s) {
    for (int group = 0; group < kTokenBands / kPatch; ++group, ++tokens.count) {
      for (int t = 0; t < kPatch; ++t) {
        for (int b = 0; b < kPatch; ++b) {
          const float v = energy[static_cast<size_t>(s * kPatch + t) * kTokenBands + group * kPatch + b];
          const float below = v > 0.0f ? 10.0f * std::log10(v / loudest) : -60.0f;
          tokens.bytes.push_back(static_cast<uint8_t>(std::clamp((below + 60.0f) * 4.25f, 0.0f, 255.0f)));
        }
      }
    }
  }
  return tokens;
}

class Room final : public ModalityRoom {
 public:
  Modality modality() const override { return Modality::kAudio; }
  const char* name() const override { return "audio"; }
  int feature_dim() const override { return kAudioFeatures; }
  uint32_t feature_version() const override { return 1; }

  absl::StatusOr<std::vector<float>> DescribeFeatures(const PartContent& part) const override {
    if (part.pcm.empty()) return absl::InvalidArgumentError("part.pcm: got no samples, wanted at least 1");
    return AudioFeatures(part.pcm);
  }

  absl::StatusOr<Described> Describe(const PartContent& part) const override {
    absl::StatusOr<std::vector<float>> features = DescribeFeatures(part);
    if (!features.ok()) return features.status();
    return Described{*std::move(features), AudioTokens(part.pcm)};
  }
};

}  // namespace

const ModalityRoom* AudioRoom() {
  static const Room* room = new Room();
  return room;
}

}  // namespace mixmatch::model
