#include "model/media/worker/scan.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <utility>
#include <vector>

namespace mixmatch::model {
namespace {

constexpr int kBoxWidth = 16, kBoxHeight = 8;
constexpr int kEdge = 40, kEven = 6;  // Gray levels from a pixel to the next one: at least, at most.
constexpr int kLeastEdges = 22, kLeastEven = kBoxWidth * kBoxHeight / 2;  // Of a box.
constexpr int kLeastPairs = 5;                                            // Of such boxes.
constexpr int kLeastSide = 32;

uint8_t At(const DecodedScan& scan, int x, int y) {
  return static_cast<uint8_t>(scan.gray[static_cast<size_t>(y) * scan.width + x]);
}

DecodedScan Gray(const Pixels& pixels) {
  DecodedScan scan;
  scan.width = pixels.width;
  scan.height = pixels.height;
  scan.gray.resize(static_cast<size_t>(scan.width) * scan.height);
  for (size_t i = 0; i < scan.gray.size(); ++i) {
    const auto value = [&](size_t channel) { return static_cast<uint8_t>(pixels.rgb[3 * i + channel]); };
    scan.gray[i] = static_cast<char>((77 * value(0) + 150 * value(1) + 29 * value(2)) >> 8);
  }
  return scan;
}

DecodedScan Half(const DecodedScan& scan) {
  DecodedScan half;
  half.width = scan.width / 2;
  half.height = scan.height / 2;
  half.gray.reserve(static_cast<size_t>(half.width) * half.height);
  for (int y = 0; y < half.height; ++y) {
    for (int x = 0; x < half.width; ++x) {
      const int sum = At(scan, 2 * x, 2 * y) + At(scan, 2 * x + 1, 2 * y) + At(scan, 2 * x, 2 * y + 1) +
                      At(scan, 2 * x + 1, 2 * y + 1);
      half.gray += static_cast<char>(sum / 4);
    }
  }
  return half;
}

// Each pixel of the new one is between four of the old.
DecodedScan Doubled(const DecodedScan& scan) {
  DecodedScan twice;
  twice.width = 2 * scan.width;
  twice.height = 2 * scan.height;
  twice.gray.resize(static_cast<size_t>(twice.width) * twice.height);
  size_t i = 0;
  for (int y = 0; y < twice.height; ++y) {
    const int near_y = y / 2, far_y = std::clamp(near_y + (y % 2 == 0 ? -1 : 1), 0, scan.height - 1);
    for (int x = 0; x < twice.width; ++x) {
      const int near_x = x / 2, far_x = std::clamp(near_x + (x % 2 == 0 ? -1 : 1), 0, scan.width - 1);
      const int sum = 9 * At(scan, near_x, near_y) + 3 * (At(scan, far_x, near_y) + At(scan, near_x, far_y)) +
                      At(scan, far_x, far_y);
      twice.gray[i++] = static_cast<char>((sum + 8) / 16);
    }
  }
  return twice;
}

bool IsWordy(const DecodedScan& scan, int left, int top) {
  int edges = 0, even = 0;
  for (int y = top; y < top + kBoxHeight; ++y) {
    for (int x = left; x < left + kBoxWidth; ++x) {
      const int step = std::abs(At(scan, x + 1, y) - At(scan, x, y));
      edges += step >= kEdge;
      even += step <= kEven;
    }
  }
  return edges >= kLeastEdges && even >= kLeastEven;
}

// With the first row of boxes at `top`: lines may lie across two rows of boxes.
bool HasLines(const DecodedScan& scan, int top) {
  int pairs = 0;
  for (; top + kBoxHeight <= scan.height; top += kBoxHeight) {
    bool before = false;
    for (int left = 0; left + kBoxWidth < scan.width; left += kBoxWidth) {
      const bool wordy = IsWordy(scan, left, top);
      pairs += before && wordy;
      before = wordy;
    }
    if (pairs >= kLeastPairs) return true;
  }
  return false;
}

bool HasLines(const DecodedScan& scan) { return HasLines(scan, 0) || HasLines(scan, kBoxHeight / 2); }

}  // namespace

DecodedScan ScanOf(const Pixels& pixels, int side) {
  const int longer = std::max(pixels.width, pixels.height);
  if (longer > side || std::min(pixels.width, pixels.height) < kBoxHeight) return {};
  DecodedScan scan = Gray(pixels);
  const bool halved = std::min(scan.width, scan.height) >= kLeastSide;
  if (!HasLines(scan) && !(halved && HasLines(Half(scan)))) return {};
  return 2 * longer <= side ? Doubled(scan) : std::move(scan);
}

}  // namespace mixmatch::model
