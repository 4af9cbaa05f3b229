// Whether an index at its default settings finds what it should: under filters, after many replacements, for hard queries.
#include <algorithm>
#include <cmath>
#include <random>
#include <set>
#include <vector>

#include "gtest/gtest.h"
#include "index/vector/segmented_index.h"
#include "index/vector/top_k.h"
#include "tests/index/vector/vectors.h"

namespace mixmatch::index {
namespace {

constexpr int kDim = 48;
constexpr int kQueries = 100;

SegmentedIndexOptions Options(int64_t memtable_limit) {
  SegmentedIndexOptions options;
  options.dim = kDim;
  options.memtable_limit = memtable_limit;
  options.exact_below = 0;
  options.probe_seconds = 0;
  return options;
}

void Settle(SegmentedIndex& index) {
  while (*index.Maintain()) {
  }
}

// Mean share of the exact 10 nearest of vectors[first of each part] that the index finds.
double Recall(const SegmentedIndex& index, const std::vector<absl::Span<const float>>& parts, const Vectors& queries,
              const SearchOptions& options) {
  double found = 0, wanted = 0;
  for (int q = 0; q < kQueries; ++q) {
    TopK exact(10);
    for (size_t i = 0; i < parts.size(); ++i) {
      if (options.filter != nullptr && !(*options.filter)(i)) continue;
      float product = 0;
      for (int j = 0; j < kDim; ++j) product += queries[q][j] * parts[i][j];
      exact.Push({i, product});
    }
    std::set<PartId> right;
    for (const Neighbor& neighbor : exact.Take()) right.insert(neighbor.id);
    wanted += right.size();
    for (PartId id : Ids(*index.Search(queries[q], options))) found += right.count(id);
  }
  return found / wanted;
}

std::vector<absl::Span<const float>> Parts(const Vectors& vectors, int count) {
  std::vector<absl::Span<const float>> parts;
  for (int i = 0; i < count; ++i) parts.push_back(vectors[i]);
  return parts;
}

TEST(SegmentedRecallTest, FiltersOfEverySelectivityKeepTheRecall) {
  constexpr int kCount = 10'000;
  const Vectors vectors(kCount, kDim, 2), queries(kQueries, kDim, 3);
  auto index = *SegmentedIndex::Create(Options(kCount), 1);
  for (int i = 0; i < kCount; ++i) ASSERT_TRUE(index->Upsert(i, vectors[i]).ok());
  Settle(*index);
  ASSERT_GT(index->stats().bytes_links, 0);
  std::mt19937 random(4);
  std::vector<double> draws(kCount);
  for (double& draw : draws) draw = random() / 4294967296.0;
  for (double share : {1.0, 0.5, 0.1, 0.01, 0.001}) {
    const PartFilter filter = [&](PartId id) { return draws[id] < share; };
    SearchOptions options;
    options.filter = &filter;
    EXPECT_GE(Recall(*index, Parts(vectors, kCount), queries, options), 0.95) << share;
    options.filter_matches = static_cast<int64_t>(share * kCount);
    EXPECT_GE(Recall(*index, Parts(vectors, kCount), queries, options), 0.95) << share << " told";
  }
  // Parts that lie together, as those of one modality do: far from some queries.
  const PartFilter corner = [&](PartId id) { return vectors[id][0] > 0.1; };
  SearchOptions options;
  options.filter = &corner;
  EXPECT_GE(Recall(*index, Parts(vectors, kCount), queries, options), 0.95);
}

TEST(SegmentedRecallTest, RoundsOfReplacingATenthLeaveTheRecallOfAFreshIndex) {
  constexpr int kCount = 3000, kRounds = 24;
  const Vectors vectors(kCount + kRounds * kCount / 10, kDim, 2), queries(kQueries, kDim, 3);
  auto index = *SegmentedIndex::Create(Options(kCount / 5), 1);
  std::vector<absl::Span<const float>> parts = Parts(vectors, kCount);
  for (int i = 0; i < kCount; ++i) ASSERT_TRUE(index->Upsert(i, parts[i]).ok());
  Settle(*index);
  int next = kCount;
  for (int round = 0; round < kRounds; ++round) {
    for (int i = round % 10; i < kCount; i += 10) {
      parts[i] = vectors[next++];
      ASSERT_TRUE(index->Upsert(i, parts[i]).ok());
    }
    Settle(*index);
  }
  EXPECT_EQ(index->size(), kCount);
  EXPECT_LE(index->stats().tombstones, kCount / 5);
  EXPECT_EQ(index->stats().segments, 1);
  EXPECT_LE(index->stats().builds, 8) << "most rounds must be taken in by the graph that there is";
  auto fresh = *SegmentedIndex::Create(Options(kCount / 5), 1);
  for (int i = 0; i < kCount; ++i) ASSERT_TRUE(fresh->Upsert(i, parts[i]).ok());
  Settle(*fresh);
  const double recall = Recall(*index, parts, queries, {});
  EXPECT_GE(recall, 0.95);
  EXPECT_GE(recall, Recall(*fresh, parts, queries, {}) - 0.01);
}

TEST(SegmentedRecallTest, TheProbeMeasuresAndHardQueriesMakeSearchesBroader) {
  constexpr int kCount = 6000;
  const Vectors vectors(kCount, kDim, 2);
  SegmentedIndexOptions options = Options(kCount);
  options.hnsw_m = 8;
  options.ef_construction = 40;
  auto index = *SegmentedIndex::Create(options, 1);
  for (int i = 0; i < kCount; ++i) ASSERT_TRUE(index->Upsert(i, vectors[i]).ok());
  EXPECT_EQ(index->stats().recall, -1.0);
  Settle(*index);
  const SegmentedIndexStats before = index->stats();
  EXPECT_GE(before.recall, 0.9);
  EXPECT_EQ(before.builds, 1);
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  for (int i = 0; i < 4096; ++i) {  // From nowhere near the clusters.
    std::vector<float> query(kDim);
    for (float& value : query) value = normal(random);
    ASSERT_TRUE(index->Search(query, {}).ok());
  }
  Settle(*index);
  const SegmentedIndexStats after = index->stats();
  EXPECT_GT(after.probes, before.probes);
  EXPECT_GT(after.ef_search, before.ef_search);
  EXPECT_GE(after.recall, 0.95);
  EXPECT_EQ(after.builds, 1) << "a fresh graph must not be built again because queries are hard";
}

TEST(SegmentedRecallTest, AHigherTargetMakesSearchesBroader) {
  constexpr int kCount = 3000;
  const Vectors vectors(kCount, kDim, 2);
  int last = 0;
  for (double target : {0.7, 0.999}) {
    SegmentedIndexOptions options = Options(kCount);
    options.target_recall = target;
    options.hnsw_m = 6;
    auto index = *SegmentedIndex::Create(options, 1);
    for (int i = 0; i < kCount; ++i) ASSERT_TRUE(index->Upsert(i, vectors[i]).ok());
    Settle(*index);
    EXPECT_GT(index->stats().ef_search, last);
    last = index->stats().ef_search;
  }
  SegmentedIndexOptions options = Options(kCount);
  options.target_recall = 1.5;
  EXPECT_FALSE(SegmentedIndex::Create(options, 1).ok());
}

}  // namespace
}  // namespace mixmatch::index
