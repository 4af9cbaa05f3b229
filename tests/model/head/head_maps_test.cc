#include "model/head/head_maps.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace mixmatch::model {
namespace {

std::vector<float> Noise(size_t n, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> out(n);
  for (float& v : out) v = normal(random);
  return out;
}

double Dot(absl::Span<const float> a, absl::Span<const float> b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

TEST(HeadMapsTest, OneRowAndManyRowsGiveTheSameUnitVectors) {
  const auto maps = HeadMaps::Random({40, 7}, 32, 5).value();
  const std::vector<float> rows = Noise(100 * 40, 1);
  std::vector<float> many(100 * 32);
  ASSERT_TRUE(maps->Map(0, rows, 100, absl::MakeSpan(many)).ok());
  for (int i = 0; i < 100; ++i) {
    const std::vector<float> one = maps->Map(0, absl::MakeConstSpan(rows).subspan(i * 40, 40)).value();
    EXPECT_NEAR(Dot(one, one), 1.0, 1e-5);
    EXPECT_NEAR(Dot(one, absl::MakeConstSpan(many).subspan(i * 32, 32)), 1.0, 1e-4);  // Many in bfloat16, on some CPUs.
  }
}

TEST(HeadMapsTest, RandomMapsKeepCosinesWithinAModalityAndNoneAcross) {
  const auto maps = HeadMaps::Random({200, 200}, 512, 5).value();
  const std::vector<float> a = Noise(200, 1);
  std::vector<float> b = Noise(200, 2);
  for (int i = 0; i < 200; ++i) b[i] = 0.5f * b[i] + a[i];
  const double cosine = Dot(a, b) / std::sqrt(Dot(a, a) * Dot(b, b));
  EXPECT_NEAR(Dot(*maps->Map(0, a), *maps->Map(0, b)), cosine, 0.15);
  EXPECT_NEAR(Dot(*maps->Map(0, a), *maps->Map(1, a)), 0.0, 0.2);
}

TEST(HeadMapsTest, NumbersOfOneSpaceStayComparableAcrossSlotsInRandomMaps) {
  constexpr int kShared = 100;
  const auto maps = HeadMaps::Random({200, 150}, 512, 5, kShared).value();
  const auto see = [](int own, uint32_t seed, const std::vector<float>& shared) {
    std::vector<float> features = Noise(own, seed);
    features.insert(features.end(), shared.begin(), shared.end());
    return features;
  };
  const std::vector<float> thing = Noise(kShared, 1), other = Noise(kShared, 2);
  const std::vector<float> seen = *maps->Map(0, see(100, 3, thing));
  // 100 of the 200 and of the 150 numbers are the same: 100 / sqrt(200 * 150).
  EXPECT_NEAR(Dot(seen, *maps->Map(1, see(50, 4, thing))), 0.58, 0.12);
  EXPECT_NEAR(Dot(seen, *maps->Map(1, see(50, 5, other))), 0.0, 0.25);
  EXPECT_EQ(HeadMaps::Random({200, 150}, 512, 5, 151).status().code(), absl::StatusCode::kInvalidArgument);
  const auto one = HeadMaps::Random({200}, 512, 5, kShared).value();
  EXPECT_EQ(one->WithSlots({200, 150}, 5, kShared).value()->Serialize(), maps->Serialize());
  EXPECT_EQ(HeadMaps::Random({200, 150}, 512, 6).value()->WithRandom({0, 1}, 5, kShared).value()->Serialize(), maps->Serialize());
}

TEST(HeadMapsTest, TheSameSeedGivesTheSameMapsAndAnotherSeedOthers) {
  EXPECT_EQ(HeadMaps::Random({9}, 8, 5).value()->Serialize(), HeadMaps::Random({9}, 8, 5).value()->Serialize());
  EXPECT_NE(HeadMaps::Random({9}, 8, 5).value()->Serialize(), HeadMaps::Random({9}, 8, 6).value()->Serialize());
}

TEST(HeadMapsTest, ParseGivesBackWhatSerializeWroteAndRefusesAnyDamage) {
  const auto maps = HeadMaps::Random({9, 4}, 8, 5).value();
  const std::string bytes = maps->Serialize();
  EXPECT_EQ(HeadMaps::Parse(bytes).value()->Serialize(), bytes);
  for (size_t cut : {size_t{0}, size_t{7}, bytes.size() / 2, bytes.size() - 1}) {
    EXPECT_EQ(HeadMaps::Parse(bytes.substr(0, cut)).status().code(), absl::StatusCode::kDataLoss) << cut;
  }
  for (size_t at = 0; at < bytes.size(); at += 13) {
    std::string damaged = bytes;
    damaged[at] ^= 0x10;
    EXPECT_EQ(HeadMaps::Parse(damaged).status().code(), absl::StatusCode::kDataLoss) << at;
  }
}

TEST(HeadMapsTest, BadInputIsAnInvalidArgument) {
  const auto maps = HeadMaps::Random({9}, 8, 5).value();
  std::vector<float> row(9, 1.0f), out(8);
  EXPECT_EQ(maps->Map(1, row).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(maps->Map(-1, row).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(maps->Map(0, std::vector<float>(8)).status().code(), absl::StatusCode::kInvalidArgument);
  row[3] = std::nanf("");
  EXPECT_EQ(maps->Map(0, row).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(HeadMaps::Create({3}, 2, {{1, 2, 3}}).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(HeadMapsTest, FeaturesOfNothingStillGiveAUnitVector) {
  const auto maps = HeadMaps::Random({9}, 8, 5).value();
  const std::vector<float> out = maps->Map(0, std::vector<float>(9, 0.0f)).value();
  EXPECT_NEAR(Dot(out, out), 1.0, 1e-6);
}

TEST(HeadMapsTest, SlotsThatAreAddedLeaveTheOthersAsTheyWere) {
  const auto two = HeadMaps::Random({9, 4}, 8, 5).value();
  const auto three = HeadMaps::Parse(two->Serialize()).value()->WithSlots({9, 4, 6}, 5).value();
  EXPECT_EQ(three->Serialize(), HeadMaps::Random({9, 4, 6}, 8, 5).value()->Serialize());
  EXPECT_EQ(two->WithSlots({9, 4}, 5).value()->Serialize(), two->Serialize());
  EXPECT_EQ(two->WithSlots({9}, 5).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(two->WithSlots({9, 5, 6}, 5).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(HeadMapsTest, RandomMapsTakeThePlaceOfTheGivenSlotsAlone) {
  const auto other = HeadMaps::Random({9, 4, 6}, 8, 77).value();
  const auto renewed = other->WithRandom({1}, 5).value();
  const auto random = HeadMaps::Random({9, 4, 6}, 8, 5).value();
  const std::vector<float> first(9, 0.5f), second(4, 0.5f), third(6, 0.5f);
  EXPECT_EQ(renewed->Map(0, first).value(), other->Map(0, first).value());
  EXPECT_EQ(renewed->Map(1, second).value(), random->Map(1, second).value());
  EXPECT_EQ(renewed->Map(2, third).value(), other->Map(2, third).value());
  EXPECT_EQ(other->WithRandom({}, 5).value()->Serialize(), other->Serialize());
  EXPECT_EQ(other->WithRandom({3}, 5).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace mixmatch::model
