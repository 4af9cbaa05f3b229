#include "tests/bench/index/truth.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <utility>
#include <vector>

namespace mixmatch::index_bench {
namespace {

using testing::ElementsAre;

std::vector<float> Random(int64_t count, int dim, int seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count * dim);
  for (float& value : values) value = normal(random);
  return values;
}

TEST(ExactNeighborsTest, AgreesWithPlainLoopsBeyondOneBlock) {
  const int64_t count = 9'001;
  const int queries = 7, dim = 24, k = 10;
  const std::vector<float> base = Random(count, dim, 1), asked = Random(queries, dim, 2);
  const auto found = ExactNeighbors({base.data(), count, dim}, {asked.data(), queries, dim}, k);
  for (int q = 0; q < queries; ++q) {
    std::vector<std::pair<double, uint32_t>> all;
    for (int64_t i = 0; i < count; ++i) {
      double score = 0;
      for (int d = 0; d < dim; ++d) score += double{base[i * dim + d]} * asked[q * dim + d];
      all.push_back({-score, i});
    }
    std::sort(all.begin(), all.end());
    for (int i = 0; i < k; ++i) EXPECT_EQ(found[q * k + i], all[i].second) << "query " << q << " place " << i;
  }
}

TEST(ExactNeighborsTest, TiesGoToTheSmallerRowAndMissingOnesAreMarked) {
  const std::vector<float> base = {1, 0, 1, 0, 0, 1}, query = {1, 0};
  EXPECT_THAT(ExactNeighbors({base.data(), 3, 2}, {query.data(), 1, 2}, 4), ElementsAre(0, 1, 2, kNone));
  EXPECT_THAT(ExactNeighbors({base.data(), 3, 2}, {query.data(), 1, 2}, 1), ElementsAre(0));
}

TEST(ExactNeighborsTest, AFilterLeavesOutTheNearest) {
  const std::vector<float> base = {1, 0, .9f, 0, .8f, 0}, query = {1, 0};
  EXPECT_THAT(ExactNeighbors({base.data(), 3, 2}, {query.data(), 1, 2}, 2, [](uint32_t row) { return row != 0; }),
              ElementsAre(1, 2));
}

TEST(RecallTest, IsTheShareOfTrueNeighborsFoundInAnyOrder) {
  EXPECT_DOUBLE_EQ(Recall({3, 2, 9, 9}, {2, 3, 4, 5}, 2), 0.5);
  EXPECT_DOUBLE_EQ(Recall({2, 3}, {3, 2}, 2), 1.0);
}

TEST(RecallTest, OneNeighborFoundTwiceCountsOnce) { EXPECT_DOUBLE_EQ(Recall({2, 2}, {2, 3}, 2), 0.5); }

TEST(RecallTest, WhatIsNotThereIsNotAskedFor) {
  EXPECT_DOUBLE_EQ(Recall({1, kNone}, {1, kNone}, 2), 1.0);
  EXPECT_DOUBLE_EQ(Recall({kNone, kNone}, {1, kNone}, 2), 0.0);
}

TEST(PercentileTest, IsTheSmallestValueThatTheShareDoesNotExceed) {
  std::vector<double> values;
  for (int i = 100; i > 0; --i) values.push_back(i);
  EXPECT_EQ(Percentile(values, 0.99), 99);
  EXPECT_EQ(Percentile(values, 0.5), 50);
  EXPECT_EQ(Percentile(values, 0.0), 1);
  EXPECT_EQ(Percentile({4, 2}, 1.0), 4);
}

}  // namespace
}  // namespace mixmatch::index_bench
