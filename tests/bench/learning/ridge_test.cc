#include "tests/bench/learning/ridge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace mixmatch::bench {
namespace {

Vectors RandomUnit(int rows, int dim, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  Vectors vectors;
  vectors.dim = dim;
  for (int r = 0; r < rows; ++r) {
    std::vector<float> row(dim);
    float energy = 0;
    for (float& value : row) {
      value = normal(random);
      energy += value * value;
    }
    for (float value : row) vectors.values.push_back(value / std::sqrt(energy));
  }
  return vectors;
}

// A rotation of pairs of coordinates.
Vectors Turned(const Vectors& vectors) {
  Vectors turned = vectors;
  for (size_t r = 0; r < vectors.rows(); ++r) {
    for (int j = 0; j + 1 < vectors.dim; j += 2) {
      turned.values[r * vectors.dim + j] = 0.6f * vectors.row(r)[j] - 0.8f * vectors.row(r)[j + 1];
      turned.values[r * vectors.dim + j + 1] = 0.8f * vectors.row(r)[j] + 0.6f * vectors.row(r)[j + 1];
    }
  }
  return turned;
}

double WorstCosine(const Vectors& a, const Vectors& b) {
  double worst = 1;
  for (size_t r = 0; r < a.rows(); ++r) {
    double cosine = 0;
    for (int j = 0; j < a.dim; ++j) cosine += a.row(r)[j] * b.row(r)[j];
    worst = std::min(worst, cosine);
  }
  return worst;
}

TEST(RidgeTest, FindsARotationThatHoldsForVectorsItNeverSaw) {
  const Vectors anchors = RandomUnit(200, 8, 1), unseen = RandomUnit(50, 8, 2);
  const auto map = FitRidge(anchors, Turned(anchors), 1e-6);
  EXPECT_GT(WorstCosine(Apply(map, unseen), Turned(unseen)), 0.9999);
}

TEST(RidgeTest, LeavesTheSpaceAsItIsWhereAnchorsSayNothing) {
  Vectors anchors = RandomUnit(20, 8, 3);
  for (size_t r = 0; r < anchors.rows(); ++r) anchors.values[r * 8 + 7] = 0;
  Vectors unseen;
  unseen.dim = 8;
  unseen.values = {0, 0, 0, 0, 0, 0, 0, 1};
  EXPECT_GT(WorstCosine(Apply(FitRidge(anchors, Turned(anchors), 1e-3), unseen), unseen), 0.9999);
}

TEST(RidgeTest, ChoosesTheStrengthByAnchorsLeftOut) {
  // As many anchors as dimensions, and noise: hardly any ridge follows the noise.
  const Vectors from = RandomUnit(12, 8, 4);
  const Vectors to = RandomUnit(12, 8, 5);
  const Vectors unseen = RandomUnit(50, 8, 6);
  const double chosen = WorstCosine(Apply(FitChosenRidge(from, from, {1e-6, 1.0}), unseen), unseen);
  EXPECT_GT(chosen, 0.999);
  EXPECT_EQ(FitChosenRidge(from, to, {1e-2}).size(), 64);
}

}  // namespace
}  // namespace mixmatch::bench
