#include "model/parts/series_parts.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/base/status_macros.h"

namespace mixmatch::model {
namespace {

constexpr double kDay = 86'400.0, kHour = 3'600.0;
constexpr double kGapSteps = 10.0;
constexpr size_t kMostWindows = 4'096;

struct Cut {
  size_t window;  // Rows.
  size_t hop;
};

double UsualStep(absl::Span<const double> seconds) {
  std::vector<double> steps;
  for (size_t r = 1; r < seconds.size(); ++r) steps.push_back(seconds[r] - seconds[r - 1]);
  if (steps.empty()) return 0.0;
  std::nth_element(steps.begin(), steps.begin() + steps.size() / 2, steps.end());
  return steps[steps.size() / 2];
}

bool Near(double step, double period) { return std::abs(step - period) < 0.05 * period; }

Cut CutFor(double step) {
  if (Near(step, kDay)) return {7, 7};
  if (Near(step, kHour)) return {24, 24};
  return {128, 96};
}

}  // namespace

std::vector<SeriesWindow> CutSeries(absl::Span<const double> seconds) {
  std::vector<SeriesWindow> windows;
  const double step = UsualStep(seconds);
  Cut cut = CutFor(step);
  const size_t times = seconds.size() / cut.hop / kMostWindows + 1;
  cut.window *= times;
  cut.hop *= times;
  for (size_t begin = 0; begin < seconds.size();) {
    size_t end = begin + 1;
    while (end < seconds.size() && (step <= 0.0 || seconds[end] - seconds[end - 1] <= kGapSteps * step)) ++end;
    for (size_t start = begin; start < end; start += cut.hop) {
      const bool last = end - start <= cut.window + cut.window / 2;
      windows.push_back({start, last ? end : start + cut.window});
      if (last) break;
    }
    begin = end;
  }
  if (windows.size() > 2 * kMostWindows) windows = {{0, seconds.size()}};  // Gaps everywhere: no pattern of time.
  return windows;
}

absl::Status AddSeries(const DecodedSeries& series, PartList& parts) {
  std::string names;
  for (size_t c = 0; c < series.channels.size(); ++c) {
    absl::StrAppend(&names, c > 0 ? ", " : "", series.channels[c]);
    if (!series.units[c].empty()) absl::StrAppend(&names, " [", series.units[c], "]");
  }
  const double step = UsualStep(series.seconds);
  const size_t channels = series.channels.size();
  for (const SeriesWindow& window : CutSeries(series.seconds)) {
    const size_t rows = window.end - window.start;
    PartContent content;
    content.modality = Modality::kSeries;
    content.series.channels = series.channels;
    content.series.units = series.units;
    content.series.seconds = absl::MakeConstSpan(series.seconds).subspan(window.start, rows);
    content.series.values = absl::MakeConstSpan(series.values).subspan(window.start * channels, rows * channels);
    PartDraft draft;
    draft.start_seconds = series.seconds[window.start];
    draft.end_seconds = series.seconds[window.end - 1] + step;
    draft.start_row = window.start;
    draft.end_row = window.end;
    draft.snippet = std::string(Prefix(names, kSnippetBytes));
    MIXMATCH_RETURN_IF_ERROR(parts.Describe(content, std::move(draft)));
  }
  return absl::OkStatus();
}

}  // namespace mixmatch::model
