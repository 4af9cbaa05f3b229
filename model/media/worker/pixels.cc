#include "model/media/worker/pixels.h"

#include <algorithm>
#include <cstdint>

namespace mixmatch::model {
namespace {

constexpr int kNearlyWhite = 240;

uint8_t At(const Pixels& pixels, int x, int y, int channel) {
  return static_cast<uint8_t>(pixels.rgb[(static_cast<size_t>(y) * pixels.width + x) * 3 + channel]);
}

bool IsInk(const Pixels& pixels, int x, int y) {
  return At(pixels, x, y, 0) < kNearlyWhite || At(pixels, x, y, 1) < kNearlyWhite || At(pixels, x, y, 2) < kNearlyWhite;
}

}  // namespace

PixelBox InkBox(const Pixels& pixels, PixelBox box) {
  box.left = std::max(box.left, 0);
  box.top = std::max(box.top, 0);
  box.right = std::min(box.right, pixels.width);
  box.bottom = std::min(box.bottom, pixels.height);
  PixelBox ink = {pixels.width, pixels.height, 0, 0};
  for (int y = box.top; y < box.bottom; ++y) {
    for (int x = box.left; x < box.right; ++x) {
      if (!IsInk(pixels, x, y)) continue;
      ink.left = std::min(ink.left, x);
      ink.top = std::min(ink.top, y);
      ink.right = std::max(ink.right, x + 1);
      ink.bottom = std::max(ink.bottom, y + 1);
    }
  }
  return ink;
}

Picture Shrunk(const Pixels& pixels, const PixelBox& box, int side) {
  const int width = box.right - box.left, height = box.bottom - box.top;
  const double scale = std::min(1.0, static_cast<double>(side) / std::max(width, height));
  Picture out;
  out.width = std::max(1, static_cast<int>(width * scale));
  out.height = std::max(1, static_cast<int>(height * scale));
  out.rgb.reserve(size_t{3} * out.width * out.height);
  for (int y = 0; y < out.height; ++y) {
    const int from_y = box.top + static_cast<int64_t>(y) * height / out.height;
    const int to_y = std::max<int>(from_y + 1, box.top + static_cast<int64_t>(y + 1) * height / out.height);
    for (int x = 0; x < out.width; ++x) {
      const int from_x = box.left + static_cast<int64_t>(x) * width / out.width;
      const int to_x = std::max<int>(from_x + 1, box.left + static_cast<int64_t>(x + 1) * width / out.width);
      const int count = (to_x - from_x) * (to_y - from_y);
      for (int channel = 0; channel < 3; ++channel) {
        int sum = 0;
        for (int v = from_y; v < to_y; ++v) {
          for (int u = from_x; u < to_x; ++u) sum += At(pixels, u, v, channel);
        }
        out.rgb += static_cast<char>((sum + count / 2) / count);
      }
    }
  }
  return out;
}

}  // namespace mixmatch::model
