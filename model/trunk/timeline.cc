#include "model/trunk/timeline.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

namespace mixmatch::model {
namespace {

constexpr int kPatch = 16;        // Bands, and frames, of a token.
constexpr int kTokenBytes = kPatch * kPatch;
constexpr float kByteDecibels = 4.25f;  // Steps of a byte in a decibel.
constexpr float kHeard = 45;      // Decibels below the loudest.

float Power(float byte) { return std::pow(10.0f, (byte / kByteDecibels + kTimelineFloor) / 10); }

// First and last frame that sound: a mean over five frames, twice the quietest tenth's loudness taken off, within 27 dB
// of the loudest; a little more on either side.
std::pair<int, int> Sounding(const std::vector<float>& loudness) {
  const int frames = static_cast<int>(loudness.size());
  std::vector<float> sorted = loudness;
  const auto tenth = sorted.begin() + (frames - 1) / 10;
  std::nth_element(sorted.begin(), tenth, sorted.end());
  const float floor = 2 * *tenth;
  std::vector<float> smooth(frames, 0.0f);
  for (int t = 0; t < frames; ++t) {
    for (int s = std::max(0, t - 2); s < std::min(frames, t + 3); ++s) smooth[t] += std::max(0.0f, loudness[s] - floor);
  }
  const float least = 0.002f * *std::max_element(smooth.begin(), smooth.end());
  int first = frames, last = -1;
  for (int t = 0; t < frames; ++t) {
    if (smooth[t] <= least) continue;
    first = std::min(first, t);
    last = t;
  }
  if (last < first) return {0, frames - 1};
  return {std::max(0, first - 3), std::min(frames - 1, last + 3)};
}

}  // namespace

std::vector<float> TimelineOf(absl::Span<const uint8_t> tokens) {
  constexpr int kGroups = kTimelineBands / kPatch;
  const int frames = static_cast<int>(tokens.size()) / kTokenBytes / kGroups * kPatch;
  std::vector<float> bytes(static_cast<size_t>(frames) * kTimelineBands), loudness(frames, 0.0f);
  for (int t = 0; t < frames; ++t) {
    for (int b = 0; b < kTimelineBands; ++b) {
      const int token = t / kPatch * kGroups + b / kPatch;
      const float byte = tokens[token * kTokenBytes + t % kPatch * kPatch + b % kPatch];
      bytes[t * kTimelineBands + b] = byte;
      if (byte > 0) loudness[t] += Power(byte);
    }
  }
  const auto [first, last] = Sounding(loudness);
  std::vector<float> out(bytes.begin() + first * kTimelineBands, bytes.begin() + (last + 1) * kTimelineBands);
  for (float& v : out) v = v / kByteDecibels + kTimelineFloor;
  return out;
}

std::vector<int64_t> FramesOf(const std::vector<std::vector<float>>& timelines) {
  std::vector<int64_t> frames;
  for (const std::vector<float>& timeline : timelines) frames.push_back(static_cast<int64_t>(timeline.size()) / kTimelineBands);
  return frames;
}

at::Tensor PadTimelines(const std::vector<std::vector<float>>& timelines) {
  size_t longest = 0;
  for (const std::vector<float>& timeline : timelines) longest = std::max(longest, timeline.size());
  at::Tensor out = at::full({static_cast<int64_t>(timelines.size()), static_cast<int64_t>(longest) / kTimelineBands,
                             kTimelineBands},
                            kTimelineFloor, at::kFloat);
  float* row = out.data_ptr<float>();
  for (const std::vector<float>& timeline : timelines) {
    std::memcpy(row, timeline.data(), timeline.size() * sizeof(float));
    row += longest;
  }
  return out;
}

at::Tensor TimelineMask(const std::vector<int64_t>& frames, int64_t longest) {
  at::Tensor mask = at::zeros({static_cast<int64_t>(frames.size()), longest, 1}, at::kFloat);
  for (size_t row = 0; row < frames.size(); ++row) std::fill_n(mask.data_ptr<float>() + row * longest, frames[row], 1.0f);
  return mask;
}

int64_t StridedLength(int64_t frames, int64_t stride) { return (frames + stride - 1) / stride; }

at::Tensor NormaliseTimelines(const at::Tensor& decibels, const at::Tensor& mask) {
  at::Tensor x = decibels * mask + kTimelineFloor * 2 * (1 - mask);
  x = (x - x.amax({1, 2}, /*keepdim=*/true)).clamp_min(-kHeard);
  const at::Tensor frames = mask.sum({1}, /*keepdim=*/true);
  x = x - (x * mask).sum({1}, true) / frames;
  const at::Tensor spread = ((x * x * mask).sum({1, 2}, true) / (frames * kTimelineBands)).sqrt();
  return x / (spread + 1) * mask;
}

at::Tensor StretchMeans(const at::Tensor& places, const std::vector<int64_t>& lengths) {
  const int64_t b = places.size(0), n = places.size(1);
  // A row of weights a stretch: a place that lies in two stretches counts in each by its share.
  at::Tensor weights = at::zeros({b, kTimelineStretches, n}, at::kFloat);
  float* weight = weights.data_ptr<float>();
  for (int64_t row = 0; row < b; ++row) {
    const double step = static_cast<double>(lengths[row]) / kTimelineStretches;
    for (int s = 0; s < kTimelineStretches; ++s, weight += n) {
      const double begin = s * step, end = begin + step;
      for (int64_t t = static_cast<int64_t>(begin); t < lengths[row] && t < end; ++t) {
        weight[t] = static_cast<float>((std::min<double>(end, t + 1) - std::max<double>(begin, t)) / step);
      }
    }
  }
  return at::matmul(weights.to(places.device()), places).flatten(1);
}

}  // namespace mixmatch::model
