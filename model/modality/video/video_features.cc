#include "model/modality/video/video_features.h"

#include <algorithm>
#include <cmath>

#include "model/modality/feature_math.h"
#include "model/modality/image/image_features.h"

namespace mixmatch::model {
namespace {

constexpr int kMostFrames = 16;
constexpr int kMotionSide = 32;
constexpr int kMotionCells = 6;
constexpr int kMotionTimes = 3;

// How much changes between neighbouring frames, by place and by third of the shot; then colours that come and go.
struct Motion {
  std::vector<float> place_time;  // [kMotionTimes, cells, cells]
  std::vector<float> place;       // [cells, cells, 2]: brighter, darker
  std::vector<float> against_mean;  // [cells, cells, 3]: spread of each opponent colour over time
  std::vector<float> course;      // [8]: total change along the shot
};

Motion Measure(const std::vector<std::vector<float>>& frames) {
  constexpr int cell = kMotionCells * kMotionCells;
  Motion motion{std::vector<float>(kMotionTimes * cell, 0.0f), std::vector<float>(2 * cell, 0.0f),
                std::vector<float>(3 * cell, 0.0f), std::vector<float>(8, 0.0f)};
  const int n = static_cast<int>(frames.size());
  const auto cell_of = [](int x, int y) {
    return (y * kMotionCells / kMotionSide) * kMotionCells + x * kMotionCells / kMotionSide;
  };
  for (int f = 1; f < n; ++f) {
    const int third = (f - 1) * kMotionTimes / std::max(1, n - 1);
    const int eighth = (f - 1) * 8 / std::max(1, n - 1);
    for (int y = 0; y < kMotionSide; ++y) {
      for (int x = 0; x < kMotionSide; ++x) {
        const size_t at = (static_cast<size_t>(y) * kMotionSide + x) * 3;
        float change = 0.0f, sum = 0.0f;
        for (int c = 0; c < 3; ++c) {
          const float d = frames[f][at + c] - frames[f - 1][at + c];
          change += std::fabs(d);
          sum += d;
        }
        if (change < 0.06f) continue;  // Codec noise.
        motion.place_time[third * cell + cell_of(x, y)] += change;
        motion.place[cell_of(x, y) * 2 + (sum < 0.0f)] += std::fabs(sum);
        motion.course[eighth] += change;
      }
    }
  }
  std::vector<float> mean(frames[0].size(), 0.0f);
  for (const auto& frame : frames) Axpy(1.0f / n, frame.data(), mean.data(), static_cast<int>(mean.size()));
  for (const auto& frame : frames) {
    for (int y = 0; y < kMotionSide; ++y) {
      for (int x = 0; x < kMotionSide; ++x) {
        const size_t at = (static_cast<size_t>(y) * kMotionSide + x) * 3;
        const float r = frame[at] - mean[at], g = frame[at + 1] - mean[at + 1], b = frame[at + 2] - mean[at + 2];
        float* out = &motion.against_mean[cell_of(x, y) * 3];
        out[0] += std::fabs(r + g + b);
        out[1] += std::max(0.0f, r - b);
        out[2] += std::max(0.0f, b - r);
      }
    }
  }
  return motion;
}

}  // namespace

std::vector<float> VideoFeatures(absl::Span<const TimedFrame> frames) {
  static const RandomUnits* units = [] {
    constexpr int in = kImageBaseFeatures + kMotionCells * kMotionCells * 8 + 8 + 4;
    static_assert(in == 1436);
    return new RandomUnits(in, kVideoFeatures - in, 16.0f, -0.3f, 0.3f, 31);
  }();
  if (frames.empty()) return std::vector<float>(kVideoFeatures, 0.0f);
  const int n = std::min<int>(kMostFrames, static_cast<int>(frames.size()));
  std::vector<float> look(kImageBaseFeatures, 0.0f);
  std::vector<std::vector<float>> small;
  for (int i = 0; i < n; ++i) {
    const TimedFrame& frame = frames[n == 1 ? 0 : static_cast<size_t>(i) * (frames.size() - 1) / (n - 1)];
    const std::vector<float> one = ImageBaseFeatures(frame.image);
    Axpy(1.0f / n, one.data(), look.data(), kImageBaseFeatures);
    small.push_back(ResizeRgb(frame.image, kMotionSide, kMotionSide));
  }
  const Motion motion = Measure(small);
  std::vector<float> out;
  out.reserve(kVideoFeatures);
  AppendBlock(look, 1.0f, 2.0f, out);                 // 1136
  AppendBlock(motion.place_time, 0.5f, 0.8f, out);    // 108
  AppendBlock(motion.place, 0.5f, 0.6f, out);         // 72
  AppendBlock(motion.against_mean, 0.5f, 0.8f, out);  // 108
  AppendBlock(motion.course, 0.5f, 0.4f, out);        // 8
  const float seconds = static_cast<float>(std::max(0.0, frames.back().seconds - frames.front().seconds));
  const float octave = std::log2(0.1f + seconds);
  std::vector<float> length(4);
  for (int i = 0; i < 4; ++i) length[i] = std::exp(-0.5f * (octave - (i - 2)) * (octave - (i - 2)));
  AppendBlock(length, 1.0f, 0.2f, out);  // 4
  std::vector<float> answer(units->units(), 0.0f);
  units->Accumulate(out.data(), answer.data());
  AppendBlock(answer, 1.0f, 0.6f, out);
  return out;
}

}  // namespace mixmatch::model
