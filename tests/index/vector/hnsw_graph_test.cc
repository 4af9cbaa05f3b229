#include "index/vector/hnsw/hnsw_graph.h"

#include <algorithm>
#include <atomic>
#include <vector>

#include "gtest/gtest.h"
#include "tests/index/vector/vectors.h"

namespace mixmatch::index {
namespace {

constexpr int kDim = 32;
constexpr int kCount = 1500;

class HnswGraphTest : public ::testing::Test {
 protected:
  HnswGraphTest() : vectors_(kCount, kDim, 1), rows_(kDim) {
    for (int i = 0; i < kCount; ++i) rows_.Append(vectors_[i].data());
  }

  const Vectors vectors_;
  Rows rows_;
};

TEST_F(HnswGraphTest, PartsMakeTheSameGraph) {
  const auto graph = *HnswGraph::Build(rows_, {}, nullptr);
  const auto copy = HnswGraph::FromParts(graph->ToParts(), kCount);
  ASSERT_TRUE(copy.ok()) << copy.status();
  for (int i = 0; i < kCount; i += 100) {
    const HnswFound wanted = graph->Search(rows_, rows_.row(i), {}), found = (*copy)->Search(rows_, rows_.row(i), {});
    ASSERT_EQ(found.rows.size(), wanted.rows.size());
    for (size_t j = 0; j < wanted.rows.size(); ++j) EXPECT_EQ(found.rows[j].row, wanted.rows[j].row);
  }
}

TEST_F(HnswGraphTest, PartsThatDoNotHoldTogetherAreRefused) {
  const HnswParts good = (*HnswGraph::Build(rows_, {}, nullptr))->ToParts();
  auto refused = [&](auto change) {
    HnswParts parts = good;
    change(parts);
    return HnswGraph::FromParts(parts, kCount).status().code() == absl::StatusCode::kDataLoss;
  };
  EXPECT_TRUE(refused([](HnswParts& p) { p.m = 8; }));
  EXPECT_TRUE(refused([](HnswParts& p) { p.m = -1; }));
  EXPECT_TRUE(refused([](HnswParts& p) { p.entry_point = kCount; }));
  EXPECT_TRUE(refused([](HnswParts& p) { p.entry_point = -1; }));
  EXPECT_TRUE(refused([](HnswParts& p) { p.max_level += 1; }));
  EXPECT_TRUE(refused([](HnswParts& p) { p.levels.pop_back(); }));
  EXPECT_TRUE(refused([](HnswParts& p) { p.levels[0] = 1 << 30; }));
  EXPECT_TRUE(refused([](HnswParts& p) { p.neighbors.pop_back(); }));
  EXPECT_TRUE(refused([](HnswParts& p) { p.neighbors[0] = kCount; }));
  EXPECT_TRUE(refused([](HnswParts& p) {  // A link on an upper level to a vertex that is not there.
    const auto lowest = std::find(p.levels.begin(), p.levels.end(), 1) - p.levels.begin();
    size_t offset = 0;
    for (int32_t i = 0; i < p.entry_point; ++i) offset += 2 * p.m + (p.levels[i] - 1) * p.m;
    p.neighbors[offset + 2 * p.m] = static_cast<int32_t>(lowest);
  }));
}

TEST_F(HnswGraphTest, AnotherNumberOfRowsIsRefused) {
  const HnswParts parts = (*HnswGraph::Build(rows_, {}, nullptr))->ToParts();
  EXPECT_FALSE(HnswGraph::FromParts(parts, kCount - 1).ok());
}

TEST_F(HnswGraphTest, ABuildStopsWhenToldTo) {
  const std::atomic<bool> stop{true};
  EXPECT_EQ(HnswGraph::Build(rows_, {}, &stop).status().code(), absl::StatusCode::kCancelled);
}

TEST_F(HnswGraphTest, RowsThatAreNotAllowedAreWalkedThroughButNotReturned) {
  const auto graph = *HnswGraph::Build(rows_, {}, nullptr);
  const auto third = [](int64_t row) { return row % 3 == 0; };
  const absl::FunctionRef<bool(int64_t)> allowed(third);
  HnswSearch search;
  search.allowed = &allowed;
  const HnswFound found = graph->Search(rows_, rows_.row(5), search);
  EXPECT_EQ(found.rows.size(), 64);
  for (const Scored& vertex : found.rows) EXPECT_EQ(vertex.row % 3, 0);
}

TEST_F(HnswGraphTest, AWalkOverItsBudgetSaysSo) {
  const auto graph = *HnswGraph::Build(rows_, {}, nullptr);
  HnswSearch search;
  search.budget = 50;
  EXPECT_FALSE(graph->Search(rows_, rows_.row(5), search).finished);
  search.budget = kCount + 1000;
  EXPECT_TRUE(graph->Search(rows_, rows_.row(5), search).finished);
}

TEST_F(HnswGraphTest, AGraphOverCodesFindsAsWell) {
  const auto codes = CodesOf(rows_);
  const auto graph = *HnswGraph::Build(*codes, {}, nullptr);
  int right = 0;
  for (int i = 0; i < kCount; i += 15) {
    const HnswFound found = graph->Search(*codes, codes->Query(rows_.row(i)), {});
    right += !found.rows.empty() && found.rows[0].row == i;
  }
  EXPECT_GE(right, 98);
}

TEST_F(HnswGraphTest, AGraphTakesRowsInAndLosesOthersAndFindsAsWell) {
  // Of the old rows every fourth goes; the rest move, for new ones come between them.
  Rows old_rows(kDim), new_rows(kDim);
  for (int i = 0; i < 1000; ++i) old_rows.Append(vectors_[i].data());
  std::vector<int32_t> now_at(1000, -1);
  int next = 1000;
  for (int i = 0; i < 1000; ++i) {
    if (i % 4 == 3) {
      new_rows.Append(vectors_[next++].data());
      continue;
    }
    now_at[i] = static_cast<int32_t>(new_rows.size());
    new_rows.Append(vectors_[i].data());
    if (i % 8 == 0) new_rows.Append(vectors_[next++].data());
  }
  const auto old_codes = CodesOf(old_rows), new_codes = CodesOf(new_rows);
  HnswBuildOptions options;
  options.threads = 2;
  const auto old_graph = *HnswGraph::Build(*old_codes, options, nullptr);
  const auto grown = HnswGraph::Grow(*new_codes, *old_graph, now_at, options, nullptr);
  ASSERT_TRUE(grown.ok()) << grown.status();
  EXPECT_TRUE(HnswGraph::FromParts((*grown)->ToParts(), new_rows.size()).ok());
  int right = 0;
  for (int64_t i = 0; i < new_rows.size(); ++i) {
    const HnswFound found = (*grown)->Search(*new_codes, new_codes->QueryOf(i), {});
    right += !found.rows.empty() && found.rows[0].row == i;
  }
  EXPECT_GE(right, new_rows.size() * 99 / 100);
  const std::atomic<bool> stop{true};
  EXPECT_EQ(HnswGraph::Grow(*new_codes, *old_graph, now_at, options, &stop).status().code(), absl::StatusCode::kCancelled);
}

TEST_F(HnswGraphTest, AGraphWhoseEntryPointIsGoneGrowsAllTheSame) {
  const auto graph = *HnswGraph::Build(rows_, {}, nullptr);
  const int32_t entry = graph->ToParts().entry_point;
  std::vector<int32_t> now_at(kCount);
  Rows left(kDim);
  for (int i = 0; i < kCount; ++i) {
    now_at[i] = i == entry ? -1 : static_cast<int32_t>(left.size());
    if (i != entry) left.Append(vectors_[i].data());
  }
  const auto grown = *HnswGraph::Grow(left, *graph, now_at, {}, nullptr);
  EXPECT_EQ(grown->Search(left, left.row(7), {}).rows.front().row, 7);
  EXPECT_TRUE(HnswGraph::FromParts(grown->ToParts(), kCount - 1).ok());
}

TEST_F(HnswGraphTest, ABuildOnManyThreadsFindsAsWell) {
  HnswBuildOptions options;
  options.threads = 4;
  const auto graph = *HnswGraph::Build(rows_, options, nullptr);
  int right = 0;
  for (int i = 0; i < kCount; i += 15) {
    const HnswFound found = graph->Search(rows_, rows_.row(i), {});
    right += !found.rows.empty() && found.rows[0].row == i;
  }
  EXPECT_GE(right, 98);
}

}  // namespace
}  // namespace mixmatch::index
