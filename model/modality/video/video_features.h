// The fixed descriptor of a shot: what its frames look like, and what moves, where, and when.
#ifndef MIXMATCH_MODEL_MODALITY_VIDEO_VIDEO_FEATURES_H_
#define MIXMATCH_MODEL_MODALITY_VIDEO_VIDEO_FEATURES_H_

#include <vector>

#include "absl/types/span.h"
#include "model/modality/modality.h"

namespace mixmatch::model {

inline constexpr int kVideoFeatures = 1536;

// kVideoFeatures values of a shot; no frames give zeros. At most 16 frames, evenly spread, are looked at. Thread-safe.
std::vector<float> VideoFeatures(absl::Span<const TimedFrame> frames);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MODALITY_VIDEO_VIDEO_FEATURES_H_
