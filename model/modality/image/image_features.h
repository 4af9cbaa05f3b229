// The fixed descriptor of a picture: oriented gradients at three scales, colour by place and as histograms, random
// local filters. Little changed by crop, resize and JPEG.
#ifndef MIXMATCH_MODEL_MODALITY_IMAGE_IMAGE_FEATURES_H_
#define MIXMATCH_MODEL_MODALITY_IMAGE_IMAGE_FEATURES_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "model/modality/modality.h"

namespace mixmatch::model {

inline constexpr int kImageFeatures = 1536;
inline constexpr int kImageBaseFeatures = 1136;  // The part of it without the random units over the whole.

// Area-averaged (bilinear when enlarging) picture of exactly width x height: [height, width, 3], 0 to 1.
std::vector<float> ResizeRgb(const RgbView& image, int width, int height);

// kImageBaseFeatures values. `image` must hold width * height * 3 bytes with width, height >= 1. Thread-safe.
std::vector<float> ImageBaseFeatures(const RgbView& image);

// kImageFeatures values: the base, then random units over it.
std::vector<float> ImageFeatures(const RgbView& image);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MODALITY_IMAGE_IMAGE_FEATURES_H_
