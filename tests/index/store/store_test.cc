#include "index/store/store.h"

#include <fstream>
#include <vector>

#include "tests/index/store/open_store.h"

namespace mixmatch::index {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST_F(StoreTest, EveryKindOfRecordComesBackAfterReopening) {
  storage::RequestRecord request;
  request.set_item_id(7);
  storage::UploadRecord upload;
  upload.set_received_bytes(99);
  storage::OperationRecord operation;
  operation.mutable_operation()->set_operation_id("op");
  storage::Manifest manifest;
  manifest.set_generation(3);
  ASSERT_TRUE(Commit([&](StoreBatch& batch) {
                batch.PutItem(Item(7, "seven"));
                batch.PutPart(Part(7, 0));
                batch.PutVector(7 << 16, 3, {0.5f, -0.25f});
                batch.PutFeatures(2, 7 << 16, {1.0f, 1e9f});
                batch.PutTrunkFeatures(5, 7 << 16, {0.125f});
                batch.PutTokens(7 << 16, {1, 2, 3});
                batch.PutEvent(Event("e", {7, 8}));
                batch.PutRequest("r", request);
                batch.PutUpload("u", upload);
                batch.PutOperation(operation);
                batch.PutManifest(manifest);
                batch.PutMeta("next", "8");
                batch.PutLearning("e");
              }).ok());
  Reopen();
  EXPECT_EQ(store_->GetItem(7)->item().name(), "seven");
  EXPECT_EQ(store_->GetPart(7 << 16)->part().item_id(), 7);
  uint64_t generation = 0;
  EXPECT_THAT(*store_->GetVector(7 << 16, &generation), ElementsAre(0.5f, -0.25f));
  EXPECT_EQ(generation, 3);
  EXPECT_THAT(*store_->GetFeatures(2, 7 << 16), ElementsAre(1.0f, 65504.0f));
  EXPECT_THAT(*store_->GetTrunkFeatures(5, 7 << 16), ElementsAre(0.125f));
  EXPECT_THAT(*store_->GetTokens(7 << 16), ElementsAre(1, 2, 3));
  EXPECT_EQ(store_->GetEvent("e")->event().members_size(), 2);
  EXPECT_EQ(store_->GetRequest("r")->item_id(), 7);
  EXPECT_EQ(store_->GetUpload("u")->received_bytes(), 99);
  EXPECT_TRUE(store_->GetOperation("op").ok());
  EXPECT_EQ(store_->GetManifest()->generation(), 3);
  EXPECT_EQ(*store_->GetMeta("next"), "8");
}

TEST_F(StoreTest, AnAbsentRecordIsNotFound) {
  EXPECT_EQ(store_->GetItem(1).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(store_->GetVector(1, nullptr).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(store_->GetFeatures(0, 1).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(store_->GetEvent("none").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(store_->GetManifest().status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(*store_->GetParts(1), IsEmpty());
  EXPECT_THAT(*store_->GetEventIds(1), IsEmpty());
}

TEST_F(StoreTest, ABatchWithABadCallChangesNothing) {
  const absl::Status status = Commit([](StoreBatch& batch) {
    batch.PutItem(Item(1, "one"));
    batch.PutFeatures(256, 1, {1.0f});
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(store_->GetItem(1).ok());
}

TEST_F(StoreTest, ABatchThatIsNotCommittedChangesNothing) {
  store_->NewBatch()->PutItem(Item(1, "one"));
  EXPECT_FALSE(store_->GetItem(1).ok());
}

TEST_F(StoreTest, LaterCallsOfABatchWin) {
  ASSERT_TRUE(Commit([](StoreBatch& batch) {
                batch.PutItem(Item(1, "first"));
                batch.PutItem(Item(1, "second"));
                batch.PutTrunkFeatures(4, 9, {1.0f});
                batch.DeleteAllTrunkFeatures(4);
                batch.PutTrunkFeatures(4, 10, {2.0f});
              }).ok());
  EXPECT_EQ(store_->GetItem(1)->item().name(), "second");
  EXPECT_FALSE(store_->GetTrunkFeatures(4, 9).ok());
  EXPECT_TRUE(store_->GetTrunkFeatures(4, 10).ok());
}

TEST_F(StoreTest, DeletingAPartLeavesItsFeatures) {
  ASSERT_TRUE(Commit([](StoreBatch& batch) {
                batch.PutPart(Part(1, 0));
                batch.PutVector(65536, 1, {1.0f});
                batch.PutTokens(65536, {1});
                batch.PutFeatures(0, 65536, {1.0f});
              }).ok());
  ASSERT_TRUE(Commit([](StoreBatch& batch) { batch.DeletePart(65536); }).ok());
  EXPECT_FALSE(store_->GetPart(65536).ok());
  EXPECT_FALSE(store_->GetVector(65536, nullptr).ok());
  EXPECT_FALSE(store_->GetTokens(65536).ok());
  EXPECT_TRUE(store_->GetFeatures(0, 65536).ok());
}

TEST_F(StoreTest, DeletingAllTrunkFeaturesSparesOtherTrunks) {
  ASSERT_TRUE(Commit([](StoreBatch& batch) {
                for (uint64_t trunk : {uint64_t{1}, uint64_t{2}, UINT64_MAX}) batch.PutTrunkFeatures(trunk, UINT64_MAX, {1.0f});
              }).ok());
  ASSERT_TRUE(Commit([](StoreBatch& batch) {
                batch.DeleteAllTrunkFeatures(1);
                batch.DeleteAllTrunkFeatures(UINT64_MAX);
              }).ok());
  EXPECT_FALSE(store_->GetTrunkFeatures(1, UINT64_MAX).ok());
  EXPECT_TRUE(store_->GetTrunkFeatures(2, UINT64_MAX).ok());
  EXPECT_FALSE(store_->GetTrunkFeatures(UINT64_MAX, UINT64_MAX).ok());
}

TEST_F(StoreTest, PartsOfAnItemComeByPosition) {
  ASSERT_TRUE(Commit([](StoreBatch& batch) {
                for (uint64_t position : {300, 0, 65535}) batch.PutPart(Part(5, position));
                batch.PutPart(Part(4, 1));
                batch.PutPart(Part(6, 0));
              }).ok());
  std::vector<uint64_t> positions;
  const auto parts = store_->GetParts(5);
  for (const storage::PartRecord& part : *parts) positions.push_back(part.part().part_id() % 65536);
  EXPECT_THAT(positions, ElementsAre(0, 300, 65535));
}

TEST_F(StoreTest, AnEventIsListedUnderTheItemsOfItsLastVersionOnly) {
  ASSERT_TRUE(Commit([](StoreBatch& batch) {
                batch.PutEvent(Event("a", {1, 2}));
                batch.PutEvent(Event("b", {2}));
              }).ok());
  EXPECT_THAT(*store_->GetEventIds(2), ElementsAre("a", "b"));
  ASSERT_TRUE(Commit([](StoreBatch& batch) {
                batch.PutEvent(Event("a", {2, 3}));
                batch.PutEvent(Event("a", {3}));
              }).ok());
  EXPECT_THAT(*store_->GetEventIds(1), IsEmpty());
  EXPECT_THAT(*store_->GetEventIds(2), ElementsAre("b"));
  EXPECT_THAT(*store_->GetEventIds(3), ElementsAre("a"));
}

TEST_F(StoreTest, ADeletedEventIsListedNowhere) {
  ASSERT_TRUE(Commit([](StoreBatch& batch) { batch.PutEvent(Event("a", {1, 2})); }).ok());
  const storage::EventRecord stored = *store_->GetEvent("a");
  ASSERT_TRUE(Commit([&](StoreBatch& batch) { batch.DeleteEvent(stored); }).ok());
  EXPECT_FALSE(store_->GetEvent("a").ok());
  EXPECT_THAT(*store_->GetEventIds(1), IsEmpty());
  EXPECT_THAT(*store_->GetEventIds(2), IsEmpty());
}

TEST_F(StoreTest, ASecondOpenIsRefusedAndLeavesTheFirstAlone) {
  const auto second = Store::Open({path_});
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("another process"));
  EXPECT_TRUE(Commit([](StoreBatch& batch) { batch.PutItem(Item(1, "one")); }).ok());
}

TEST_F(StoreTest, StrayFilesDoNotStopOpening) {
  store_.reset();
  std::ofstream(path_ + "/notes.txt") << "hello";
  std::filesystem::create_directory(path_ + "/lost+found");
  Reopen();
}

TEST_F(StoreTest, ADirectoryThatCannotBeMadeIsAnError) {
  std::ofstream(path_ + "/file") << "x";
  EXPECT_FALSE(Store::Open({path_ + "/file/below"}).ok());
}

TEST_F(StoreTest, DiskBytesGrowWithContent) {
  const uint64_t before = *store_->DiskBytes();
  ASSERT_TRUE(store_->AppendContent(1, 0, std::string(1 << 20, 'x')).ok());
  EXPECT_GE(*store_->DiskBytes(), before + (1 << 20));
}

}  // namespace
}  // namespace mixmatch::index
