#include "index/vector/segmented_index.h"

#include <algorithm>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/index/vector/vectors.h"

namespace mixmatch::index {
namespace {

using ::testing::ElementsAreArray;

constexpr int kDim = 32;

SegmentedIndexOptions Options(int64_t memtable_limit, int64_t exact_below) {
  SegmentedIndexOptions options;
  options.dim = kDim;
  options.memtable_limit = memtable_limit;
  options.exact_below = exact_below;
  return options;
}

std::shared_ptr<SegmentedIndex> Filled(const SegmentedIndexOptions& options, const Vectors& vectors, int count) {
  auto index = *SegmentedIndex::Create(options, 1);
  for (int i = 0; i < count; ++i) EXPECT_TRUE(index->Upsert(i, vectors[i]).ok());
  return index;
}

void Settle(SegmentedIndex& index) {
  while (*index.Maintain()) {
  }
}

std::vector<PartId> AllIds(const SegmentedIndex& index) {
  std::vector<PartId> ids;
  index.ForEach([&](PartId id, absl::Span<const float>) {
    ids.push_back(id);
    return true;
  });
  return ids;
}

std::vector<PartId> Sequence(int count) {
  std::vector<PartId> ids(count);
  for (int i = 0; i < count; ++i) ids[i] = i;
  return ids;
}

TEST(SegmentedIndexTest, OptionsOutOfRangeAreRefused) {
  SegmentedIndexOptions options;
  options.dim = 0;
  EXPECT_EQ(SegmentedIndex::Create(options, 1).status().code(), absl::StatusCode::kInvalidArgument);
  options = {};
  options.hnsw_m = 1;
  EXPECT_EQ(SegmentedIndex::Create(options, 1).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(SegmentedIndexTest, AFullMemtableBecomesASegmentAndNothingIsLost) {
  const Vectors vectors(1000, kDim, 2);
  auto index = Filled(Options(400, 0), vectors, 399);
  EXPECT_FALSE(*index->Maintain());
  for (int i = 399; i < 1000; ++i) ASSERT_TRUE(index->Upsert(i, vectors[i]).ok());
  Settle(*index);
  EXPECT_EQ(index->stats().segments, 1);
  EXPECT_EQ(index->stats().memtable_vectors, 0);
  EXPECT_EQ(index->size(), 1000);
  EXPECT_EQ(AllIds(*index), Sequence(1000));
}

TEST(SegmentedIndexTest, SearchBeforeAndAfterMaintainAgreesWhereItIsExact) {
  const Vectors vectors(1000, kDim, 2);
  auto index = Filled(Options(400, 1'000'000), vectors, 1000);
  std::vector<std::vector<PartId>> before;
  for (int i = 0; i < 1000; i += 50) before.push_back(Ids(*index->Search(vectors[i], {})));
  Settle(*index);
  EXPECT_EQ(index->stats().segments, 1);
  for (int i = 0; i < 1000; i += 50) EXPECT_EQ(Ids(*index->Search(vectors[i], {})), before[i / 50]);
}

TEST(SegmentedIndexTest, ASegmentWithManyDeadIsRewritten) {
  const Vectors vectors(500, kDim, 2);
  auto index = Filled(Options(500, 0), vectors, 500);
  Settle(*index);
  for (int i = 0; i < 99; ++i) ASSERT_TRUE(index->Remove(i).ok());
  Settle(*index);
  EXPECT_EQ(index->stats().tombstones, 99);
  ASSERT_TRUE(index->Remove(99).ok());
  Settle(*index);
  EXPECT_EQ(index->stats().tombstones, 0);
  EXPECT_EQ(index->size(), 400);
  EXPECT_EQ(AllIds(*index).front(), 100);
}

TEST(SegmentedIndexTest, ManySegmentsAreMerged) {
  const Vectors vectors(2000, kDim, 2);
  auto index = *SegmentedIndex::Create(Options(100, 0), 1);
  for (int i = 0; i < 2000; ++i) {
    ASSERT_TRUE(index->Upsert(i, vectors[i]).ok());
    Settle(*index);
  }
  EXPECT_LE(index->stats().segments, 8);
  EXPECT_EQ(AllIds(*index), Sequence(2000));
}

TEST(SegmentedIndexTest, ForEachStopsWhenToldToAndShowsTheNewestVectors) {
  const Vectors vectors(301, kDim, 2);
  auto index = Filled(Options(300, 0), vectors, 300);
  Settle(*index);
  ASSERT_TRUE(index->Upsert(5, vectors[300]).ok());
  int seen = 0;
  index->ForEach([&](PartId id, absl::Span<const float> vector) {
    if (id == 5) {
      EXPECT_THAT(vector, ElementsAreArray(vectors[300]));
    }
    return ++seen < 10;
  });
  EXPECT_EQ(seen, 10);
}

TEST(SegmentedIndexTest, RefreshedHasExactlyTheGivenPartsAndLeavesThisOneAlone) {
  const Vectors vectors(600, kDim, 2), fresh(600, kDim, 3);
  auto index = Filled(Options(300, 0), vectors, 600);
  Settle(*index);
  ASSERT_TRUE(index->Upsert(1000, vectors[0]).ok());
  std::vector<PartId> ids = Sequence(600);
  for (PartId& id : ids) id += 100;  // Some of the old, some new.
  const auto next = index->Refreshed(2, ids, fresh.all());
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_EQ((*next)->generation(), 2);
  EXPECT_EQ(AllIds(**next), ids);
  EXPECT_THAT(*(*next)->Get(100), ElementsAreArray(fresh[0]));
  EXPECT_EQ(index->generation(), 1);
  EXPECT_EQ(index->size(), 601);
  EXPECT_THAT(*index->Get(100), ElementsAreArray(vectors[100]));
}

TEST(SegmentedIndexTest, RefreshedTakesTheGraphOverWhenTheVectorsHaveHardlyMoved) {
  const Vectors vectors(1000, kDim, 2);
  auto index = Filled(Options(1000, 500), vectors, 1000);
  Settle(*index);
  const auto next = *index->Refreshed(2, Sequence(1000), vectors.all());
  EXPECT_FALSE(*next->Maintain());  // Nothing left to build.
  EXPECT_EQ(next->stats().segments, 1);
  EXPECT_EQ(AllIds(*next), Sequence(1000));
}

TEST(SegmentedIndexTest, RefreshedDropsAGraphThatNoLongerFindsTheNearest) {
  const Vectors vectors(1000, kDim, 2);
  SegmentedIndexOptions options = Options(1000, 500);
  options.hnsw_m = 4;
  options.ef_search = 10;
  auto index = Filled(options, vectors, 1000);
  Settle(*index);
  std::vector<float> shuffled;  // Every part has the vector of quite another one.
  for (int i = 0; i < 1000; ++i) {
    const auto vector = vectors[(i * 617 + 13) % 1000];
    shuffled.insert(shuffled.end(), vector.begin(), vector.end());
  }
  const auto next = *index->Refreshed(2, Sequence(1000), shuffled);
  for (int i = 0; i < 1000; ++i) {  // Exact, for there is no graph.
    EXPECT_EQ(next->Search({&shuffled[i * kDim], kDim}, {})->front().id, i);
  }
  EXPECT_TRUE(*next->Maintain());
  EXPECT_EQ(AllIds(*next), Sequence(1000));
}

TEST(SegmentedIndexTest, RefreshedRefusesBadInput) {
  const Vectors vectors(2, kDim, 2);
  auto index = *SegmentedIndex::Create(Options(10, 0), 1);
  EXPECT_FALSE(index->Refreshed(2, {2, 1}, vectors.all()).ok());
  EXPECT_FALSE(index->Refreshed(2, {1, 1}, vectors.all()).ok());
  EXPECT_FALSE(index->Refreshed(2, {1, 2, 3}, vectors.all()).ok());
  std::vector<float> bad = vectors.all();
  bad[3] = NAN;
  EXPECT_FALSE(index->Refreshed(2, {1, 2}, bad).ok());
  EXPECT_EQ((*index->Refreshed(2, {}, {}))->size(), 0);
}

TEST(SegmentedIndexTest, AnIndexThatIsToldToStopMaintainsNothing) {
  const Vectors vectors(100, kDim, 2);
  auto index = Filled(Options(100, 0), vectors, 100);
  index->StopMaintaining();
  EXPECT_FALSE(*index->Maintain());
  EXPECT_EQ(index->Search(vectors[3], {})->front().id, 3);
}

}  // namespace
}  // namespace mixmatch::index
