// One channel of a stretch of a series, as numbers that do not depend on its rate.
#ifndef MIXMATCH_MODEL_MODALITY_SERIES_CHANNEL_VIEW_H_
#define MIXMATCH_MODEL_MODALITY_SERIES_CHANNEL_VIEW_H_

#include <array>
#include <vector>

#include "model/modality/modality.h"

namespace mixmatch::model {

inline constexpr int kSteps = 64;               // Of a stretch, equally long.
inline constexpr int kPeriods = kSteps / 2;     // Cycles in a stretch: 1 to this.

struct ChannelView {
  size_t known = 0;             // Rows with a value;
  float missing = 0.0f;         // share of those without, 0 to 1.
  float zeros = 0.0f;           // Share of the known that are exactly 0.
  float mean = 0, low = 0, middle = 0, high = 0, least = 0, most = 0;  // low, high: the 10 % and 90 % quantiles.
  float spread = 0;             // Standard deviation.
  // In units of the spread, where there is one; else 0:
  std::array<float, kSteps> shape{};     // Means of the steps, centred; between its neighbours where a step has no row.
  float trend = 0;              // Rise of the fitted line from beginning to end.
  float lean = 0;               // Mean less median.
  float rough = 0;              // Mean change between rows.
  float most_at = 0, least_at = 0;       // When it is highest and lowest, 0 to 1.
  std::array<float, kPeriods> power{};   // Share of the variance of `shape` without its trend, by cycles from 1.
};

// Of channel `c`. Values beyond 1e30 count as that.
ChannelView ViewChannel(const SeriesView& series, size_t c);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MODALITY_SERIES_CHANNEL_VIEW_H_
