#include "model/modality/score/score_features.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "model/modality/feature_math.h"
#include "model/modality/named_numbers.h"

namespace mixmatch::model {
namespace {

constexpr int kClasses = 12, kTogether = 25, kSteps = 49, kWidest = 24;
constexpr int kTones = kClasses + kClasses * kClasses + kClasses + kTogether + kSteps;
constexpr int kMoves = 256;
constexpr int kLevels = 16, kPlaces = 32;
constexpr int kRhythm = 4 * kLevels + kPlaces;
constexpr int kPitchBins = 32;
constexpr int kRegister = kPitchBins + 2 * kLevels;
constexpr int kPrograms = 129, kDrumKeys = 128;
constexpr int kInstruments = kPrograms + kDrumKeys;
constexpr int kDescribed = kTones + kMoves + kRhythm + kRegister + kInstruments, kUnits = 512;
static_assert(kDescribed + kUnits == kScoreFeatures);
constexpr size_t kNear = 8;             // Notes that are looked at beside one.
constexpr float kAtOnce = 1.0f / 32.0f;  // Beats.

// Two units of spread for a descriptor of length 1; about a tenth of them fires.
const RandomUnits& Units() {
  static const RandomUnits* units =
      new RandomUnits(kDescribed, kUnits, 2.0f * std::sqrt(static_cast<float>(kDescribed)), -2.5f, 1.0f, 47);
  return *units;
}

float WeightOf(const ScoreNote& note) { return std::clamp(note.beats, 0.125f, 4.0f); }

// Adds `weight` to the two bins nearest to `place`.
void AddSoft(float place, float weight, absl::Span<float> bins) {
  place = std::clamp(place, 0.0f, static_cast<float>(bins.size() - 1));
  const auto low = std::min(static_cast<size_t>(place), bins.size() - 2);
  const float share = place - static_cast<float>(low);
  bins[low] += weight * (1.0f - share);
  bins[low + 1] += weight * share;
}

// Halves of powers of two, from a sixteenth of a beat on.
float LengthLevel(float beats) { return 2.0f * (4.0f + std::log2(std::max(beats, 0.0625f))); }

void AddTones(const ScoreView& score, const std::vector<std::vector<ToneInLine>>& lines, absl::Span<float> out) {
  const absl::Span<float> classes = out.subspan(0, kClasses), follow = out.subspan(kClasses, kClasses * kClasses),
                          degrees = out.subspan(kClasses + kClasses * kClasses, kClasses),
                          together = out.subspan(2 * kClasses + kClasses * kClasses, kTogether), steps = out.last(kSteps);
  for (size_t i = 0; i < score.notes.size(); ++i) {
    const ScoreNote& note = score.notes[i];
    if (note.program == ScoreNote::kDrums) continue;
    classes[note.pitch % kClasses] += WeightOf(note);
    for (size_t j = i + 1; j < std::min(i + 1 + kNear, score.notes.size()); ++j) {
      const ScoreNote& other = score.notes[j];
      if (other.beat >= note.beat + note.beats) break;
      if (other.program != ScoreNote::kDrums) together[std::min(std::abs(note.pitch - other.pitch), kWidest)] += 1.0f;
    }
  }
  for (const auto& line : lines) {
    for (size_t i = 1; i < line.size(); ++i) {
      follow[line[i - 1].pitch % kClasses * kClasses + line[i].pitch % kClasses] += 1.0f;
      steps[kWidest + std::clamp(line[i].pitch - line[i - 1].pitch, -kWidest, kWidest)] += 1.0f;
    }
  }
  const auto key = std::max_element(classes.begin(), classes.end()) - classes.begin();
  for (int c = 0; c < kClasses; ++c) degrees[c] = classes[(c + key) % kClasses];
}

// Two steps of the line one after the other, and how their lengths compare.
void AddMoves(const std::vector<std::vector<ToneInLine>>& lines, NamedNumbers& moves) {
  for (const auto& line : lines) {
    for (size_t i = 2; i < line.size(); ++i) {
      const int before = line[i - 1].pitch - line[i - 2].pitch, now = line[i].pitch - line[i - 1].pitch;
      const float ratio = std::log2((line[i].beat - line[i - 1].beat) / (line[i - 1].beat - line[i - 2].beat));
      const uint64_t key = MixHashes(static_cast<uint64_t>(128 + before), static_cast<uint64_t>(128 + now));
      moves.Add(key, 1.0f);
      moves.Add(MixHashes(key, static_cast<uint64_t>(64 + std::lround(2.0f * ratio))), 1.0f);
    }
  }
}

void AddRhythm(const ScoreView& score, absl::Span<float> out) {
  const absl::Span<float> gaps = out.subspan(0, kLevels), lengths = out.subspan(kLevels, kLevels),
                          tempo = out.subspan(2 * kLevels, kLevels), density = out.subspan(3 * kLevels, kLevels),
                          places = out.last(kPlaces);
  const float share = 1.0f / static_cast<float>(score.notes.size());
  float last = score.notes.front().beat;
  for (const ScoreNote& note : score.notes) {
    AddSoft(LengthLevel(note.beats), share, lengths);
    const auto place = static_cast<int>(std::lround(std::fmod(note.beat, 4.0f) * kPlaces / 4));
    places[place % kPlaces] += share;
    if (note.beat - last < kAtOnce) continue;
    AddSoft(LengthLevel(note.beat - last), share, gaps);
    last = note.beat;
  }
  AddSoft(3.0f * std::log2(std::max(score.beats_per_minute, 20.0f) / 20.0f), 0.5f, tempo);
  AddSoft(6.0f + 2.0f * std::log2(static_cast<float>(score.notes.size()) / score.beats), 0.5f, density);
}

void AddRegister(const ScoreView& score, absl::Span<float> out) {
  const absl::Span<float> pitches = out.subspan(0, kPitchBins), loudness = out.subspan(kPitchBins, kLevels),
                          sounding = out.last(kLevels);
  for (size_t i = 0; i < score.notes.size(); ++i) {
    const ScoreNote& note = score.notes[i];
    AddSoft(note.velocity / 8.0f, 0.5f, loudness);
    if (note.program == ScoreNote::kDrums) continue;
    AddSoft(note.pitch / 4.0f, WeightOf(note), pitches);
    int others = 0;
    for (size_t back = 1; back <= std::min(kNear, i); ++back) {
      const ScoreNote& other = score.notes[i - back];
      others += other.program != ScoreNote::kDrums && other.beat + other.beats > note.beat;
    }
    sounding[others] += 0.5f;
  }
}

void AddInstruments(const ScoreView& score, absl::Span<float> out) {
  for (const ScoreNote& note : score.notes) {
    out[note.program] += 1.0f;
    if (note.program == ScoreNote::kDrums) out[kPrograms + note.pitch] += 1.0f;
  }
}

}  // namespace

std::vector<std::vector<ToneInLine>> TopLines(const ScoreView& score) {
  std::array<std::vector<ToneInLine>, ScoreNote::kDrums> by_program;
  for (const ScoreNote& note : score.notes) {
    if (note.program == ScoreNote::kDrums) continue;
    std::vector<ToneInLine>& line = by_program[note.program];
    if (!line.empty() && note.beat - line.back().beat < kAtOnce) {
      line.back().pitch = std::max<int>(line.back().pitch, note.pitch);
    } else {
      line.push_back({note.beat, note.pitch});
    }
  }
  std::vector<std::vector<ToneInLine>> lines;
  for (std::vector<ToneInLine>& line : by_program) {
    if (!line.empty()) lines.push_back(std::move(line));
  }
  return lines;
}

std::vector<float> ScoreFeatures(const ScoreView& score) {
  const std::vector<std::vector<ToneInLine>> lines = TopLines(score);
  std::vector<float> tones(kTones), rhythm(kRhythm), levels(kRegister), instruments(kInstruments);
  NamedNumbers moves(kMoves);
  AddTones(score, lines, absl::MakeSpan(tones));
  AddMoves(lines, moves);
  AddRhythm(score, absl::MakeSpan(rhythm));
  AddRegister(score, absl::MakeSpan(levels));
  AddInstruments(score, absl::MakeSpan(instruments));
  std::vector<float> out;
  out.reserve(kScoreFeatures);
  AppendBlock(tones, 0.5f, 1.0f, out);
  AppendBlock(moves.values(), 0.5f, 0.8f, out);
  AppendBlock(rhythm, 0.5f, 0.8f, out);
  AppendBlock(levels, 0.5f, 0.6f, out);
  AppendBlock(instruments, 0.5f, 0.8f, out);
  std::vector<float> units(kUnits, 0.0f);
  Units().Accumulate(out.data(), units.data());
  AppendBlock(units, 1.0f, 1.0f, out);
  return out;
}

}  // namespace mixmatch::model
