// Series cut into windows.
#ifndef MIXMATCH_MODEL_PARTS_SERIES_PARTS_H_
#define MIXMATCH_MODEL_PARTS_SERIES_PARTS_H_

#include <cstddef>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "model/media/rows.h"
#include "model/parts/part_list.h"

namespace mixmatch::model {

// Rows [start, end).
struct SeriesWindow {
  size_t start = 0;
  size_t end = 0;
};

// Windows over rows at `seconds`, ascending. Daily rows: weeks; hourly ones: days; else 128 rows, every 96. A gap of
// ten usual steps ends a window. What is up to half longer than a window stays whole. Over 4,096 windows: longer ones.
std::vector<SeriesWindow> CutSeries(absl::Span<const double> seconds);

// A part a window, with its rows and seconds; the snippet names channels and units.
absl::Status AddSeries(const DecodedSeries& series, PartList& parts);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_PARTS_SERIES_PARTS_H_
