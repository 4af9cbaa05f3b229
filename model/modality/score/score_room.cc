#include "model/modality/score/score_room.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "model/modality/score/score_features.h"

namespace mixmatch::model {
namespace {

constexpr float kSlicesPerBeat = 2.0f;
constexpr uint8_t kBegins = 128, kSounds = 32;
// Where in a token; 0 is nothing everywhere.
constexpr int kDrums = 128, kMostDrums = 48, kFirstDrum = 35;
constexpr int kFamilies = 176;
constexpr int kClasses = 192;
constexpr int kSteps = 204, kWidest = 12;
constexpr int kLoudness = 229, kTempo = 245;

void Count(uint8_t* place, int much = 64) { *place = static_cast<uint8_t>(std::min(255, *place + much)); }

// A token a slice of time, each byte where something begins (128 or 64 a time) or sounds on (32): the pitches, 48 drums from
// the General MIDI bass drum on, 16 families of instruments, pitch classes, steps of the top lines of 12 down to 12 up,
// loudness; and the tempo.
Tokens ScoreTokens(const ScoreView& score) {
  const float slices = std::clamp(std::ceil(score.beats * kSlicesPerBeat), 1.0f, static_cast<float>(kMostTokens));
  const float per_beat = slices / score.beats;
  Tokens tokens;
  tokens.count = static_cast<int>(slices);
  tokens.bytes.assign(static_cast<size_t>(tokens.count) * kTokenBytes, 0);
  const auto slice = [&](float beat) { return std::min(static_cast<int>(beat * per_beat), tokens.count - 1); };
  const auto token = [&](int at) { return &tokens.bytes[static_cast<size_t>(at) * kTokenBytes]; };
  for (const ScoreNote& note : score.notes) {
    const int at = slice(note.beat);
    Count(token(at) + kLoudness + note.velocity / 8, kSounds);
    if (note.program == ScoreNote::kDrums) {
      Count(token(at) + kDrums + std::clamp(note.pitch - kFirstDrum, 0, kMostDrums - 1), kBegins);
      continue;
    }
    Count(token(at) + note.pitch, kBegins);
    Count(token(at) + kFamilies + note.program / 8);
    Count(token(at) + kClasses + note.pitch % 12);
    for (int on = at + 1; on < tokens.count && on < (note.beat + note.beats) * per_beat; ++on) {
      token(on)[note.pitch] = std::max(token(on)[note.pitch], kSounds);
    }
  }
  for (const auto& line : TopLines(score)) {
    for (size_t i = 1; i < line.size(); ++i) {
      Count(token(slice(line[i].beat)) + kSteps + kWidest + std::clamp(line[i].pitch - line[i - 1].pitch, -kWidest, kWidest));
    }
  }
  const int tempo = std::clamp(static_cast<int>(2.0f * std::log2(std::max(score.beats_per_minute, 20.0f) / 20.0f)), 0, 10);
  for (int at = 0; at < tokens.count; ++at) Count(token(at) + kTempo + tempo);
  return tokens;
}

class Room final : public ModalityRoom {
 public:
  Modality modality() const override { return Modality::kScore; }
  const char* name() const override { return "score"; }
  int feature_dim() const override { return kScoreFeatures; }
  uint32_t feature_version() const override { return 1; }

  absl::StatusOr<std::vector<float>> DescribeFeatures(const PartContent& part) const override {
    const ScoreView& score = part.score;
    if (score.notes.empty() || !(score.beats > 0.0f) || !std::isfinite(score.beats) || !std::isfinite(score.beats_per_minute)) {
      return absl::InvalidArgumentError(absl::StrCat("part.score: got ", score.notes.size(), " notes in ", score.beats,
                                                     " beats, wanted one or more in a finite stretch"));
    }
    float last = 0.0f;
    for (const ScoreNote& note : score.notes) {
      const bool placed = note.beat >= last && note.beat <= score.beats && note.beats >= 0.0f && std::isfinite(note.beats);
      if (!placed || note.pitch > 127 || note.velocity > 127 || note.program > ScoreNote::kDrums) {
        return absl::InvalidArgumentError("part.score: got a note out of range or order, wanted notes by beat; sort them");
      }
      last = note.beat;
    }
    return ScoreFeatures(score);
  }

  absl::StatusOr<Described> Describe(const PartContent& part) const override {
    absl::StatusOr<std::vector<float>> features = DescribeFeatures(part);
    if (!features.ok()) return features.status();
    return Described{*std::move(features), ScoreTokens(part.score)};
  }
};

}  // namespace

const ModalityRoom* ScoreRoom() {
  static const Room* room = new Room();
  return room;
}

}  // namespace mixmatch::model
