// Searches beside writes, builds, saves and refreshes. Run it under ThreadSanitizer.
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "index/vector/segmented_index.h"
#include "tests/index/vector/vectors.h"

namespace mixmatch::index {
namespace {

constexpr int kDim = 16;
constexpr int kStable = 200;   // Parts 0 to 199 are there throughout.
constexpr int kCount = 1200;   // The others come, change and go.

SegmentedIndexOptions Options() {
  SegmentedIndexOptions options;
  options.dim = kDim;
  options.memtable_limit = 100;
  options.exact_below = 0;
  options.hnsw_m = 8;
  return options;
}

// Every search of a stable part finds it once, whatever goes on.
void SearchUntil(const std::atomic<bool>& done, const SegmentedIndex& index, const Vectors& vectors, int seed,
                 std::atomic<int>* searches) {
  std::mt19937 random(seed);
  SearchOptions options;
  options.k = kStable;
  const PartFilter stable = [](PartId id) { return id < kStable; };
  do {
    const PartId part = random() % kStable;
    options.filter = random() % 2 == 0 ? &stable : nullptr;
    const auto found = index.Search(vectors[part], options);
    ASSERT_TRUE(found.ok()) << found.status();
    std::set<PartId> ids;
    for (const Neighbor& neighbor : *found) EXPECT_TRUE(ids.insert(neighbor.id).second) << neighbor.id << " twice";
    if (options.filter != nullptr) {
      EXPECT_EQ(ids.size(), kStable);
    }
    EXPECT_TRUE(index.Get(part).ok());
    ++*searches;
  } while (!done);
}

TEST(SegmentedThreadsTest, SearchesAreRightWhileEverythingElseGoesOn) {
  const Vectors vectors(kCount, kDim, 2);
  auto index = *SegmentedIndex::Create(Options(), 1);
  for (int i = 0; i < kStable; ++i) ASSERT_TRUE(index->Upsert(i, vectors[i]).ok());
  std::atomic<bool> done{false};
  std::atomic<int> searches{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&, i] { SearchUntil(done, *index, vectors, i, &searches); });
  }
  threads.emplace_back([&] {
    while (!done) ASSERT_TRUE(index->Maintain().ok());
  });
  std::string pattern = (std::filesystem::temp_directory_path() / "mixmatch_threads_XXXXXX").string();
  const std::string directory = mkdtemp(pattern.data());
  threads.emplace_back([&] {
    while (!done) ASSERT_TRUE(index->Save(directory).ok());
  });
  for (int round = 0; round < 2; ++round) {
    for (int i = kStable; i < kCount; ++i) ASSERT_TRUE(index->Upsert(i, vectors[i]).ok());
    for (int i = 0; i < kStable; ++i) ASSERT_TRUE(index->Upsert(i, vectors[i]).ok());  // Moves them to the memtable.
    std::vector<PartId> ids(kStable);
    for (int i = 0; i < kStable; ++i) ids[i] = i;
    const auto next = index->Refreshed(2, ids, absl::MakeSpan(vectors.all()).subspan(0, kStable * kDim));
    ASSERT_TRUE(next.ok());
    EXPECT_EQ((*next)->size(), kStable);
    for (int i = kStable; i < kCount; ++i) ASSERT_TRUE(index->Remove(i).ok());
  }
  done = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(searches, 0);
  EXPECT_EQ(index->size(), kStable);
  ASSERT_TRUE(index->Save(directory).ok());
  EXPECT_EQ((*SegmentedIndex::Load(Options(), directory, 1))->size(), kStable);
  std::filesystem::remove_all(directory);
}

TEST(SegmentedThreadsTest, ARemovedPartIsNotFoundByAnySearchThatBeginsLater) {
  const Vectors vectors(600, kDim, 2);
  auto index = *SegmentedIndex::Create(Options(), 1);
  for (int i = 0; i < 600; ++i) ASSERT_TRUE(index->Upsert(i, vectors[i]).ok());
  std::atomic<bool> done{false};
  std::thread maintainer([&] {
    while (!done) ASSERT_TRUE(index->Maintain().ok());
  });
  for (int i = 0; i < 600; ++i) {
    ASSERT_TRUE(index->Remove(i).ok());
    const std::vector<Neighbor> found = *index->Search(vectors[i], {});
    for (const Neighbor& neighbor : found) EXPECT_GT(neighbor.id, i);
  }
  done = true;
  maintainer.join();
  EXPECT_EQ(index->size(), 0);
}

}  // namespace
}  // namespace mixmatch::index
