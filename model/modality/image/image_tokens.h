// Pictures as tokens: patches of 16 x 16 bytes in the colour mosaic of a camera sensor.
#ifndef MIXMATCH_MODEL_MODALITY_IMAGE_IMAGE_TOKENS_H_
#define MIXMATCH_MODEL_MODALITY_IMAGE_IMAGE_TOKENS_H_

#include <cstdint>
#include <vector>

#include "model/modality/modality.h"

namespace mixmatch::model {

inline constexpr int kPatchSide = 16;

// Appends across * across tokens, row by row, of the picture resized to (16 across) pixels square. In each patch, pixel
// (x, y) keeps one colour (Bayer 1976): red where both are even, blue where both are odd, green elsewhere.
void AppendMosaicTokens(const RgbView& image, int across, std::vector<uint8_t>& bytes);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MODALITY_IMAGE_IMAGE_TOKENS_H_
