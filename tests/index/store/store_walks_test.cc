#include <string>
#include <utility>
#include <vector>

#include "tests/index/store/open_store.h"

namespace mixmatch::index {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

class StoreWalksTest : public StoreTest {
 protected:
  absl::StatusOr<std::string> Read(uint64_t content_id, uint64_t offset, uint64_t length) {
    std::string all;
    absl::Status status = store_->ReadContent(content_id, offset, length, [&](absl::string_view piece) {
      all.append(piece.data(), piece.size());
      return true;
    });
    if (!status.ok()) return status;
    return all;
  }

  std::vector<std::pair<uint64_t, float>> Features(int slot, uint64_t first) {
    std::vector<std::pair<uint64_t, float>> seen;
    EXPECT_TRUE(store_->ForEachFeatures(slot, first, [&](uint64_t id, absl::Span<const float> features) {
      seen.emplace_back(id, features[0]);
      return true;
    }).ok());
    return seen;
  }
};

TEST_F(StoreWalksTest, FeaturesOfASlotComeByAscendingPartFromTheFirstOn) {
  ASSERT_TRUE(Commit([](StoreBatch& batch) {
                batch.PutFeatures(1, 256, {2.0f});
                batch.PutFeatures(1, 255, {1.0f});
                batch.PutFeatures(1, UINT64_MAX, {3.0f});
                batch.PutFeatures(0, 300, {-1.0f});
                batch.PutFeatures(2, 0, {-1.0f});
                batch.PutFeatures(255, 9, {4.0f});
              }).ok());
  EXPECT_THAT(Features(1, 0), ElementsAre(Pair(255, 1.0f), Pair(256, 2.0f), Pair(UINT64_MAX, 3.0f)));
  EXPECT_THAT(Features(1, 256), ElementsAre(Pair(256, 2.0f), Pair(UINT64_MAX, 3.0f)));
  EXPECT_THAT(Features(255, 0), ElementsAre(Pair(9, 4.0f)));
  EXPECT_THAT(Features(3, 0), IsEmpty());
}

TEST_F(StoreWalksTest, AWalkStopsWhenToldTo) {
  ASSERT_TRUE(Commit([](StoreBatch& batch) {
                for (uint64_t id = 1; id <= 5; ++id) batch.PutItem(Item(id, "x"));
              }).ok());
  std::vector<uint64_t> seen;
  ASSERT_TRUE(store_->ForEachItem(2, [&](const storage::ItemRecord& record) {
    seen.push_back(record.item().item_id());
    return seen.size() < 2;
  }).ok());
  EXPECT_THAT(seen, ElementsAre(2, 3));
}

TEST_F(StoreWalksTest, AWalkSeesTheStoreAsItWasWhenItBegan) {
  ASSERT_TRUE(Commit([](StoreBatch& batch) {
                batch.PutItem(Item(1, "one"));
                batch.PutItem(Item(3, "three"));
              }).ok());
  std::vector<uint64_t> seen;
  ASSERT_TRUE(store_->ForEachItem(0, [&](const storage::ItemRecord& record) {
    if (seen.empty()) {
      EXPECT_TRUE(Commit([](StoreBatch& batch) {
                    batch.PutItem(Item(2, "two"));
                    batch.DeleteItem(3);
                  }).ok());
    }
    seen.push_back(record.item().item_id());
    return true;
  }).ok());
  EXPECT_THAT(seen, ElementsAre(1, 3));
}

TEST_F(StoreWalksTest, LearningHoldsAnEventOnceUntilItIsDeleted) {
  ASSERT_TRUE(Commit([](StoreBatch& batch) {
                batch.PutLearning("b");
                batch.PutLearning("a");
                batch.PutLearning("a");
              }).ok());
  std::vector<std::string> seen;
  auto collect = [&](const std::string& id) {
    seen.push_back(id);
    return true;
  };
  ASSERT_TRUE(store_->ForEachLearning(collect).ok());
  EXPECT_THAT(seen, ElementsAre("a", "b"));
  ASSERT_TRUE(Commit([](StoreBatch& batch) { batch.DeleteLearning("a"); }).ok());
  seen.clear();
  ASSERT_TRUE(store_->ForEachLearning(collect).ok());
  EXPECT_THAT(seen, ElementsAre("b"));
}

TEST_F(StoreWalksTest, AnyRangeOfContentIsRead) {
  ASSERT_TRUE(store_->AppendContent(4, 0, "abcde").ok());
  ASSERT_TRUE(store_->AppendContent(4, 5, std::string(5000, 'f')).ok());  // Into a blob file.
  ASSERT_TRUE(store_->AppendContent(4, 5005, "xyz").ok());
  ASSERT_TRUE(store_->AppendContent(5, 0, "other").ok());
  EXPECT_EQ(*Read(4, 0, UINT64_MAX), "abcde" + std::string(5000, 'f') + "xyz");
  EXPECT_EQ(*Read(4, 3, 4), "deff");
  EXPECT_EQ(*Read(4, 5005, 2), "xy");
  EXPECT_EQ(*Read(4, 5007, 100), "z");
  EXPECT_EQ(*Read(4, 5008, 100), "");
  EXPECT_EQ(*Read(4, 2, 0), "");
  EXPECT_EQ(Read(3, 0, 1).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(StoreWalksTest, AnUploadTriedAgainWithOtherChunksLeavesNothingOfTheFirstTry) {
  ASSERT_TRUE(store_->AppendContent(4, 0, "aaaa").ok());
  ASSERT_TRUE(store_->AppendContent(4, 4, "bbbb").ok());
  ASSERT_TRUE(store_->AppendContent(4, 8, "cccc").ok());
  ASSERT_TRUE(store_->AppendContent(4, 4, "XXXXXX").ok());
  EXPECT_EQ(*Read(4, 0, 100), "aaaaXXXXXX");
  EXPECT_EQ(*Read(4, 8, 100), "XX");
}

TEST_F(StoreWalksTest, AGapInContentIsDataLoss) {
  ASSERT_TRUE(store_->AppendContent(4, 0, "aaaa").ok());
  ASSERT_TRUE(store_->AppendContent(4, 5, "bbbb").ok());
  EXPECT_EQ(Read(4, 0, 100).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(StoreWalksTest, ContentIdsAreListedOnceAndDeletedContentIsGone) {
  for (uint64_t id : {uint64_t{1}, uint64_t{2}, UINT64_MAX}) {
    for (uint64_t offset = 0; offset < 3; ++offset) ASSERT_TRUE(store_->AppendContent(id, offset, "x").ok());
  }
  ASSERT_TRUE(Commit([](StoreBatch& batch) { batch.DeleteContent(2); }).ok());
  std::vector<uint64_t> seen;
  ASSERT_TRUE(store_->ForEachContentId([&](uint64_t id) {
    seen.push_back(id);
    return true;
  }).ok());
  EXPECT_THAT(seen, ElementsAre(1, UINT64_MAX));
  EXPECT_EQ(Read(2, 0, 1).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(*Read(UINT64_MAX, 1, 5), "xx");
}

}  // namespace
}  // namespace mixmatch::index
