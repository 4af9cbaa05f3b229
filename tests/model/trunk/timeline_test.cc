#include "model/trunk/timeline.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace mixmatch::model {
namespace {

constexpr int kStretch = 16;  // Frames of four tokens.

// Tokens of `stretches` stretches of time, each frame and band `byte(frame, band)`.
template <typename Byte>
std::vector<uint8_t> TokensOf(int stretches, Byte byte) {
  std::vector<uint8_t> tokens;
  for (int s = 0; s < stretches; ++s) {
    for (int group = 0; group < 4; ++group) {
      for (int t = 0; t < kStretch; ++t) {
        for (int b = 0; b < 16; ++b) tokens.push_back(byte(s * kStretch + t, group * 16 + b));
      }
    }
  }
  return tokens;
}

at::Tensor RandomDecibels(int64_t rows, int64_t frames) {
  at::manual_seed(1);
  return at::rand({rows, frames, kTimelineBands}) * 30 - 40;
}

TEST(Timeline, ATokensBytesAreDecibelsOfItsFramesAndBands) {
  const auto tokens = TokensOf(2, [](int t, int b) { return static_cast<uint8_t>(100 + t + b); });
  const std::vector<float> timeline = TimelineOf(tokens);
  ASSERT_EQ(timeline.size() % kTimelineBands, 0);
  // The last frame is the loudest, and kept.
  const size_t last = timeline.size() - kTimelineBands;
  for (int b = 0; b < kTimelineBands; ++b) EXPECT_NEAR(timeline[last + b], (131 + b) / 4.25f - 60, 1e-4);
}

TEST(Timeline, SilenceAroundASoundIsCutAndALittleIsLeft) {
  const auto tokens = TokensOf(8, [](int t, int) { return static_cast<uint8_t>(t >= 40 && t < 70 ? 220 : 10); });
  // 30 frames, two more that the mean over five frames hears on either side, three to spare.
  EXPECT_EQ(TimelineOf(tokens).size(), (30 + 2 * (2 + 3)) * kTimelineBands);
}

TEST(Timeline, SilenceAloneIsKeptWhole) {
  const auto tokens = TokensOf(1, [](int, int) { return uint8_t{0}; });
  const std::vector<float> timeline = TimelineOf(tokens);
  ASSERT_EQ(timeline.size(), kStretch * kTimelineBands);
  EXPECT_EQ(timeline[0], kTimelineFloor);
}

TEST(Timeline, NeitherTheColourOfAMicrophoneNorLoudnessIsLeftAfterNormalising) {
  const at::Tensor decibels = RandomDecibels(2, 40), mask = TimelineMask({40, 40}, 40);
  const at::Tensor colour = at::linspace(-4, 4, kTimelineBands).view({1, 1, -1}) + 7;
  const at::Tensor plain = NormaliseTimelines(decibels, mask), coloured = NormaliseTimelines(decibels + colour, mask);
  EXPECT_LT((plain - coloured).abs().max().item<float>(), 1e-4);
}

TEST(Timeline, WhatIsPaddedChangesNothing) {
  const at::Tensor short_one = RandomDecibels(1, 24);
  const at::Tensor padded = at::cat({short_one, at::full({1, 17, kTimelineBands}, 5.0f)}, 1);
  const at::Tensor alone = NormaliseTimelines(short_one, TimelineMask({24}, 24));
  const at::Tensor together = NormaliseTimelines(padded, TimelineMask({24}, 41));
  EXPECT_LT((alone - together.narrow(1, 0, 24)).abs().max().item<float>(), 1e-5);
  EXPECT_EQ(together.narrow(1, 24, 17).abs().max().item<float>(), 0);
}

TEST(Timeline, MeansOfStretchesAreThoseOfEqualSharesOfTheLength) {
  // 12 places of the value of their number: stretches of one and a half places.
  at::Tensor places = at::arange(14, at::kFloat).view({1, 14, 1});
  const at::Tensor means = StretchMeans(places, {12});
  ASSERT_EQ(means.size(1), kTimelineStretches);
  EXPECT_NEAR(means[0][0].item<float>(), (0 * 1 + 1 * 0.5) / 1.5, 1e-5);
  EXPECT_NEAR(means[0][7].item<float>(), (10 * 0.5 + 11 * 1) / 1.5, 1e-5);
  EXPECT_NEAR(means.mean().item<float>(), 5.5, 1e-5);
  // One place is every stretch.
  EXPECT_EQ(StretchMeans(places + 3, {1}).min().item<float>(), 3);
}

}  // namespace
}  // namespace mixmatch::model
