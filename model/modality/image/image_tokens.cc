#include "model/modality/image/image_tokens.h"

#include <algorithm>

#include "model/modality/image/image_features.h"

namespace mixmatch::model {

void AppendMosaicTokens(const RgbView& image, int across, std::vector<uint8_t>& bytes) {
  const int side = kPatchSide * across;
  const std::vector<float> picture = ResizeRgb(image, side, side);
  for (int py = 0; py < across; ++py) {
    for (int px = 0; px < across; ++px) {
      for (int y = 0; y < kPatchSide; ++y) {
        for (int x = 0; x < kPatchSide; ++x) {
          const int colour = (x & 1) + (y & 1);  // 0 red, 1 green, 2 blue
          const float v = picture[(static_cast<size_t>(py * kPatchSide + y) * side + px * kPatchSide + x) * 3 + colour];
          bytes.push_back(static_cast<uint8_t>(std::clamp(v * 255.0f + 0.5f, 0.0f, 255.0f)));
        }
      }
    }
  }
}

}  // namespace mixmatch::model
