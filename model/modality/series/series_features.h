// The fixed descriptor of a stretch of a series of any rate, with gaps.
#ifndef MIXMATCH_MODEL_MODALITY_SERIES_SERIES_FEATURES_H_
#define MIXMATCH_MODEL_MODALITY_SERIES_SERIES_FEATURES_H_

#include <vector>

#include "model/modality/modality.h"

namespace mixmatch::model {

inline constexpr int kSeriesFeatures = 1536;

// kSeriesFeatures finite values: 256 of the words of channels and units, 512 of each channel's numbers under its name (levels,
// extremes, spread, trend, periods, shape) and of how channels go together, 512 random rectified units over the levels, so
// that a linear map can tell what several channels say together, 256 of all channels without their names. The order of
// channels changes nothing but rounding. `series` has a row and a channel. Thread-safe.
std::vector<float> SeriesFeatures(const SeriesView& series);

// The channels that are looked at: all up to kMostTokens, else as many evenly spread.
std::vector<size_t> LookedAt(const SeriesView& series);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MODALITY_SERIES_SERIES_FEATURES_H_
