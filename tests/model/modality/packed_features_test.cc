#include "model/modality/packed_features.h"

#include <gtest/gtest.h>

#include <cmath>

namespace mixmatch::model {
namespace {

TEST(PackedFeaturesTest, EveryFiniteHalfFloatComesBackAsItself) {
  std::string all;
  for (int half = 0; half < 65536; ++half) {
    if (((half >> 10) & 0x1f) == 31) continue;
    all.push_back(static_cast<char>(half & 0xff));
    all.push_back(static_cast<char>(half >> 8));
  }
  EXPECT_EQ(PackFeatures(UnpackFeatures(all).value()), all);
}

TEST(PackedFeaturesTest, KnownValuesRoundToNearestEven) {
  const std::vector<float> in = {1.0f, -2.0f, 0.1f, 1.0f + 0x1.0p-11f, 1.0f + 0x1.8p-10f, 65503.9f, 1e9f, 3e-8f, 0.0f};
  const std::vector<float> out = UnpackFeatures(PackFeatures(in)).value();
  EXPECT_EQ(out[0], 1.0f);
  EXPECT_EQ(out[1], -2.0f);
  EXPECT_NEAR(out[2], 0.1f, 5e-5f);
  EXPECT_EQ(out[3], 1.0f);
  EXPECT_EQ(out[4], 1.0f + 0x1.0p-9f);
  EXPECT_EQ(out[5], 65504.0f);
  EXPECT_EQ(out[6], 65504.0f);
  EXPECT_EQ(out[7], 0x1.0p-24f);
  EXPECT_EQ(out[8], 0.0f);
}

TEST(PackedFeaturesTest, OddLengthAndInfinityAreDataLoss) {
  EXPECT_EQ(UnpackFeatures("abc").status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(UnpackFeatures(std::string("\x00\x7c", 2)).status().code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace mixmatch::model
