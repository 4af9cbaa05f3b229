// The kinds of storage: what they give back, what they hold in memory, and how an index passes from one to another.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/vector/segmented_index.h"
#include "tests/index/vector/vectors.h"

namespace mixmatch::index {
namespace {

constexpr int kDim = 64;
constexpr int kCount = 2000;

SegmentedIndexOptions Options(Storage storage) {
  SegmentedIndexOptions options;
  options.dim = kDim;
  options.memtable_limit = 500;
  options.exact_below = 0;
  options.storage = storage;
  return options;
}

void Settle(SegmentedIndex& index) {
  while (*index.Maintain()) {
  }
}

std::shared_ptr<SegmentedIndex> Filled(const SegmentedIndexOptions& options, const Vectors& vectors, int count) {
  auto index = *SegmentedIndex::Create(options, 1);
  for (int i = 0; i < count; ++i) EXPECT_TRUE(index->Upsert(i, vectors[i]).ok());
  Settle(*index);
  return index;
}

class StorageTest : public ::testing::TestWithParam<Storage> {};

TEST_P(StorageTest, ScoresAndVectorsAreThoseThatWereGiven) {
  const Vectors vectors(kCount, kDim, 2), queries(20, kDim, 3);
  const auto index = Filled(Options(GetParam()), vectors, kCount);
  ASSERT_GT(index->stats().bytes_links, 0);
  for (int i = 0; i < kCount; i += 100) EXPECT_THAT(*index->Get(i), ::testing::ElementsAreArray(vectors[i]));
  for (int q = 0; q < 20; ++q) {
    const std::vector<Neighbor> found = *index->Search(queries[q], {});
    ASSERT_EQ(found.size(), 10);
    for (const Neighbor& neighbor : found) {
      double product = 0;
      for (int j = 0; j < kDim; ++j) product += double{queries[q][j]} * vectors[neighbor.id][j];
      EXPECT_NEAR(neighbor.score, product, 1e-5);
    }
  }
}

TEST_P(StorageTest, SearchingMoreThanAGraphGivesIsExact) {
  const Vectors vectors(kCount, kDim, 2), queries(10, kDim, 3);
  const auto index = Filled(Options(GetParam()), vectors, kCount);
  auto exact_options = Options(GetParam());
  exact_options.exact_below = 1'000'000;
  const auto exact = Filled(exact_options, vectors, kCount);
  SearchOptions options;
  options.k = kCount / 2;
  for (int q = 0; q < 10; ++q) EXPECT_EQ(Ids(*index->Search(queries[q], options)), Ids(*exact->Search(queries[q], options)));
}

TEST_P(StorageTest, AFilterThatLetsFewThroughFindsExactlyThose) {
  const Vectors vectors(kCount, kDim, 2), queries(10, kDim, 3);
  const auto index = Filled(Options(GetParam()), vectors, kCount);
  const PartFilter filter = [](PartId id) { return id % 97 == 5; };
  SearchOptions options;
  options.filter = &filter;
  for (int q = 0; q < 10; ++q) {
    std::vector<Neighbor> all;
    for (int i = 5; i < kCount; i += 97) {
      float product = 0;
      for (int j = 0; j < kDim; ++j) product += queries[q][j] * vectors[i][j];
      all.push_back({static_cast<PartId>(i), product});
    }
    std::sort(all.begin(), all.end(), [](const Neighbor& a, const Neighbor& b) { return a.score > b.score; });
    all.resize(10);
    EXPECT_EQ(Ids(*index->Search(queries[q], options)), Ids(all));
  }
}

TEST_P(StorageTest, ARefreshHasTheNewVectorsInEveryKind) {
  const Vectors vectors(kCount, kDim, 2), fresh(kCount, kDim, 4);
  const auto index = Filled(Options(GetParam()), vectors, kCount);
  std::vector<PartId> ids(kCount);
  for (int i = 0; i < kCount; ++i) ids[i] = i;
  for (const Vectors* next : {&vectors, &fresh}) {
    const auto refreshed = index->Refreshed(2, ids, next->all());
    ASSERT_TRUE(refreshed.ok()) << refreshed.status();
    Settle(**refreshed);
    int right = 0;
    for (int i = 0; i < kCount; i += 20) {
      EXPECT_THAT(*(*refreshed)->Get(i), ::testing::ElementsAreArray((*next)[i]));
      right += (*refreshed)->Search((*next)[i], {})->front().id == static_cast<PartId>(i);
    }
    EXPECT_GE(right, 99);
  }
}

std::string NameOf(Storage storage) {
  constexpr const char* kNames[] = {"Auto", "Float", "Int8", "Int8Disk"};
  return kNames[static_cast<int>(storage)];
}

INSTANTIATE_TEST_SUITE_P(AllKinds, StorageTest, ::testing::Values(Storage::kFloat, Storage::kInt8, Storage::kInt8Disk),
                         [](const auto& info) { return NameOf(info.param); });

TEST(StorageMemoryTest, EachKindHoldsInMemoryWhatItSays) {
  const Vectors vectors(kCount, kDim, 2);
  const auto floats = Filled(Options(Storage::kFloat), vectors, kCount)->stats();
  const auto int8 = Filled(Options(Storage::kInt8), vectors, kCount)->stats();
  const auto disk = Filled(Options(Storage::kInt8Disk), vectors, kCount)->stats();
  EXPECT_EQ(floats.bytes_codes, 0);
  EXPECT_EQ(int8.bytes_codes, kCount * (kDim + 4));
  EXPECT_EQ(disk.bytes_codes, int8.bytes_codes);
  EXPECT_GE(int8.bytes_floats, kCount * kDim * 4);
  EXPECT_EQ(disk.bytes_floats, 0);
  EXPECT_EQ(disk.bytes_on_disk, kCount * kDim * 4);
  EXPECT_EQ(int8.bytes_on_disk, 0);
  EXPECT_LE(disk.bytes_resident(), kCount * (kDim + 4 + 2 * 16 * 4 + 32));
}

TEST(StorageMemoryTest, AnIndexThatGrowsPassesToDiskAndStaysWhole) {
  const Vectors vectors(kCount, kDim, 2);
  SegmentedIndexOptions options = Options(Storage::kAuto);
  options.disk_from = 1200;
  auto index = Filled(options, vectors, 1000);
  EXPECT_EQ(index->stats().bytes_on_disk, 0);
  for (int i = 1000; i < 1500; ++i) ASSERT_TRUE(index->Upsert(i, vectors[i]).ok());
  Settle(*index);
  EXPECT_EQ(index->stats().bytes_floats, 0);
  EXPECT_EQ(index->stats().bytes_on_disk, 1500 * kDim * 4);
  for (int i = 0; i < 1500; i += 50) {
    EXPECT_THAT(*index->Get(i), ::testing::ElementsAreArray(vectors[i]));
    EXPECT_EQ(index->Search(vectors[i], {})->front().id, i);
  }
}

TEST(StorageMemoryTest, APlaceForRowsThatCannotBeWrittenIsAnErrorAndSearchGoesOn) {
  const Vectors vectors(500, kDim, 2);
  SegmentedIndexOptions options = Options(Storage::kInt8Disk);
  options.scratch_directory = "/dev/null/below";
  auto index = *SegmentedIndex::Create(options, 1);
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(index->Upsert(i, vectors[i]).ok());
  EXPECT_EQ(index->Maintain().status().code(), absl::StatusCode::kInternal);
  EXPECT_EQ(index->Search(vectors[3], {})->front().id, 3);
  EXPECT_EQ(index->size(), 500);
}

}  // namespace
}  // namespace mixmatch::index
