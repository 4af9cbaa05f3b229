#include "model/parts/score_parts.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "proto/base/status_macros.h"

namespace mixmatch::model {
namespace {

constexpr double kWindowBars = 8.0, kHopBars = 6.0, kMostWindows = 4'096.0;
// General MIDI level 1: eight programs a family.
constexpr const char* kFamilies[] = {"piano", "bells", "organ", "guitar",     "bass",     "strings",        "ensemble",   "brass",
                                     "reed",  "pipe",  "lead",  "synthesizer", "effects", "world instruments", "percussion", "sounds"};

// Time between beats, straight from note to note.
class Clock {
 public:
  Clock(const std::vector<DecodedNote>& notes, double end_beat, double seconds) {
    Add(0.0, 0.0);
    for (const DecodedNote& note : notes) Add(note.beat, note.seconds);
    Add(end_beat, seconds);
  }

  double SecondsAt(double beat) const {
    const auto after = std::upper_bound(points_.begin(), points_.end(), beat,
                                        [](double b, const std::pair<double, double>& point) { return b < point.first; });
    if (after == points_.end()) return points_.back().second;
    const auto& [b1, s1] = *after;
    const auto& [b0, s0] = *(after - 1);
    return s0 + (s1 - s0) * (beat - b0) / (b1 - b0);
  }

 private:
  void Add(double beat, double seconds) {
    if (points_.empty() || beat > points_.back().first) points_.emplace_back(beat, std::max(seconds, Last()));
  }
  double Last() const { return points_.empty() ? 0.0 : points_.back().second; }
  std::vector<std::pair<double, double>> points_;
};

std::string WhoPlays(const ScoreView& view) {
  bool plays[std::size(kFamilies)] = {}, drums = false;
  for (const ScoreNote& note : view.notes) {
    if (note.program == ScoreNote::kDrums) {
      drums = true;
    } else {
      plays[note.program / 8] = true;
    }
  }
  std::vector<const char*> names;
  for (size_t i = 0; i < std::size(kFamilies); ++i) {
    if (plays[i]) names.push_back(kFamilies[i]);
  }
  if (drums) names.push_back("drums");
  return absl::StrCat(absl::StrJoin(names, ", "), "; ", std::lround(view.beats_per_minute), " beats a minute");
}

}  // namespace

absl::Status AddScore(const DecodedScore& score, double seconds, PartList& parts) {
  double end = 0.0;
  for (const DecodedNote& note : score.notes) end = std::max(end, note.beat + std::max<double>(note.beats, 0.125));
  const Clock clock(score.notes, end, seconds);
  const double times = std::floor(end / (kHopBars * score.beats_per_bar) / kMostWindows) + 1.0;
  const double window = times * kWindowBars * score.beats_per_bar, hop = times * kHopBars * score.beats_per_bar;
  const auto before = [](const DecodedNote& note, double beat) { return note.beat < beat; };
  std::vector<ScoreNote> notes;
  for (double from = 0.0; from < end; from += hop) {
    const bool last = end - from <= 1.5 * window;
    const double to = last ? end : from + window;
    auto it = std::lower_bound(score.notes.begin(), score.notes.end(), from, before);
    notes.clear();
    for (; it != score.notes.end() && it->beat < to; ++it) {
      notes.push_back({static_cast<float>(it->beat - from), it->beats, it->pitch, it->velocity, it->program});
    }
    if (!notes.empty()) {
      const double beat_seconds = clock.SecondsAt(from + (to - from) / 4.0) - clock.SecondsAt(from);
      PartContent content;
      content.modality = Modality::kScore;
      content.score = {notes, static_cast<float>(to - from),
                       static_cast<float>(std::clamp(15.0 * (to - from) / std::max(beat_seconds, 1e-6), 1.0, 1e4))};
      PartDraft draft;
      draft.start_seconds = clock.SecondsAt(from);
      draft.end_seconds = clock.SecondsAt(to);
      draft.snippet = std::string(Prefix(WhoPlays(content.score), kSnippetBytes));
      MIXMATCH_RETURN_IF_ERROR(parts.Describe(content, std::move(draft)));
    }
    if (last) break;
  }
  return absl::OkStatus();
}

}  // namespace mixmatch::model
