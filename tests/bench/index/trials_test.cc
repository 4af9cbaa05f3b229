#include "tests/bench/index/trials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace mixmatch::index_bench {
namespace {

constexpr int kDim = 32;

class TrialsTest : public testing::Test {
 protected:
  static constexpr int64_t kRows = 2'000, kQueries = 20;

  TrialsTest() : clusters_(Options()), base_values_(Rows(0, kRows)), query_values_(Rows(1ull << 40, kQueries)) {
    options_.dim = kDim;
    options_.memtable_limit = 500;
    options_.exact_below = 100;
  }

  static ClusterOptions Options() {
    ClusterOptions options;
    options.dim = kDim;
    options.centres = 20;
    return options;
  }
  std::vector<float> Rows(uint64_t first, int64_t count) const {
    std::vector<float> values(count * kDim);
    for (int64_t i = 0; i < count; ++i) clusters_.Row(first + i, &values[i * kDim]);
    return values;
  }
  Matrix base() const { return {base_values_.data(), kRows, kDim}; }
  Matrix queries() const { return {query_values_.data(), kQueries, kDim}; }

  const Clusters clusters_;
  const std::vector<float> base_values_, query_values_;
  index::SegmentedIndexOptions options_;
};

TEST_F(TrialsTest, ASearchAnswersWithTheNumbersOfNearRows) {
  const auto index = BuildIndex(options_, base());
  ASSERT_TRUE(index.ok()) << index.status();
  std::vector<uint32_t> rows(kQueries * 10, kNone);
  ASSERT_TRUE(SearchAll(**index, queries(), 10, 200, 2, nullptr, 0, rows.data()).ok());
  EXPECT_GT(Recall(rows, ExactNeighbors(base(), queries(), 10), 10), 0.9);
}

TEST_F(TrialsTest, AFilterKeepsTheShareThatWasAskedFor) {
  const auto index = BuildIndex(options_, base());
  ASSERT_TRUE(index.ok()) << index.status();
  for (const bool nearby : {false, true}) {
    const auto told = FilterTrial(**index, base(), queries(), 10, 100, nearby, 0);
    ASSERT_TRUE(told.ok()) << told.status();
    EXPECT_EQ((*told)["kept"], 20);
    EXPECT_GT((*told)["recall"].get<double>(), 0.9);
  }
}

TEST_F(TrialsTest, EveryPhaseHasLatencies) {
  const auto told = LatencyTrial(options_, base(), queries(), clusters_, 10, 0.05);
  ASSERT_TRUE(told.ok()) << told.status();
  for (const char* phase : {"inserting", "refreshing", "merging"}) {
    const auto& found = told->at(phase);
    EXPECT_GT(found["searches"], 0) << phase;
    EXPECT_GT(found["times"], 0) << phase;
    EXPECT_GE(found["p99_ms"], found["p50_ms"]) << phase;
  }
}

TEST_F(TrialsTest, ReplacingIsMeasuredAgainstTheVectorsOfThatRound) {
  const auto told = ReplacementTrial(options_, base(), queries(), clusters_, 10, 12, 0, 1);
  ASSERT_TRUE(told.ok()) << told.status();
  ASSERT_EQ(told->at("rounds").size(), 12);
  for (const auto& round : told->at("rounds")) EXPECT_GT(round["recall"], 0.8);
  EXPECT_GT(told->at("fresh_recall"), 0.8);
}

}  // namespace
}  // namespace mixmatch::index_bench
