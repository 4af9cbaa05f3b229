#include "model/head/ridge_map.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace mixmatch::model {
namespace {

// Unit rows and, for each, its image under a fixed linear map with noise, as unit rows of to_dim numbers.
struct Pairs {
  std::vector<float> from, to;
};

Pairs MakePairs(int rows, int from_dim, int to_dim, double noise, uint64_t seed) {
  std::mt19937_64 random(seed), of_map(7);
  std::normal_distribution<float> normal;
  std::vector<float> map(size_t{1} * from_dim * to_dim);
  for (float& value : map) value = normal(of_map);
  Pairs pairs;
  for (int r = 0; r < rows; ++r) {
    std::vector<float> x(from_dim), y(to_dim);
    double energy = 0;
    for (float& value : x) {
      value = normal(random);
      energy += value * value;
    }
    for (float& value : x) value /= std::sqrt(energy);
    energy = 0;
    for (int j = 0; j < to_dim; ++j) {
      for (int i = 0; i < from_dim; ++i) y[j] += x[i] * map[size_t{1} * i * to_dim + j];
      y[j] += noise * normal(random);
      energy += y[j] * y[j];
    }
    for (float& value : y) value /= std::sqrt(energy);
    pairs.from.insert(pairs.from.end(), x.begin(), x.end());
    pairs.to.insert(pairs.to.end(), y.begin(), y.end());
  }
  return pairs;
}

double MeanCosine(const std::vector<float>& a, const std::vector<float>& b, int dim) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum * dim / a.size();
}

TEST(RidgeMapTest, PredictsRowsThatItWasNotFittedOn) {
  const Pairs fitted = MakePairs(400, 24, 16, 0.0, 1), fresh = MakePairs(100, 24, 16, 0.0, 2);
  const auto map = RidgeMap::Fit(fitted.from, 24, fitted.to, 16);
  ASSERT_TRUE(map.ok()) << map.status();
  std::vector<float> out(fresh.to.size());
  ASSERT_TRUE(map->Apply(fresh.from, absl::MakeSpan(out)).ok());
  EXPECT_GT(MeanCosine(out, fresh.to, 16), 0.99);
  EXPECT_GT(map->agreement(), 0.98);
}

TEST(RidgeMapTest, AgreementTellsOfWhatCannotBePredicted) {
  const Pairs clean = MakePairs(400, 16, 16, 0.0, 1);
  const Pairs noise = MakePairs(400, 16, 16, 0.0, 9);
  EXPECT_LT(RidgeMap::Fit(clean.from, 16, noise.to, 16)->agreement(), 0.3);
}

TEST(RidgeMapTest, WhereAnchorsSayNothingASpaceOfTheSameSizeStaysAsItIs) {
  const std::vector<float> anchor = {1, 0, 0, 0}, turned = {0, 1, 0, 0}, other = {0, 0, 1, 0};
  const auto map = RidgeMap::Fit(anchor, 4, turned, 4);
  ASSERT_TRUE(map.ok()) << map.status();
  std::vector<float> out(4);
  ASSERT_TRUE(map->Apply(other, absl::MakeSpan(out)).ok());
  EXPECT_GT(out[2], 0.8);
}

TEST(RidgeMapTest, RefusesWhatDoesNotFit) {
  const std::vector<float> rows(12, 1.0f);
  EXPECT_EQ(RidgeMap::Fit({}, 4, {}, 4).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(RidgeMap::Fit(rows, 4, rows, 3).status().code(), absl::StatusCode::kInvalidArgument);
  std::vector<float> bad = rows;
  bad[5] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(RidgeMap::Fit(bad, 4, rows, 4).status().code(), absl::StatusCode::kInvalidArgument);
  const auto map = RidgeMap::Fit(rows, 4, rows, 4);
  std::vector<float> out(5);
  EXPECT_EQ(map->Apply(rows, absl::MakeSpan(out)).code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace mixmatch::model
