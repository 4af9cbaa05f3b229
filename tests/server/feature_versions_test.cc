#include "server/feature_versions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/server/rooms.h"

namespace mixmatch::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class FeatureVersionsTest : public testing::Test {
 protected:
  FeatureVersionsTest() {
    directory_ = testing::TempDir() + "/versions_" + testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(directory_);
    Open();
  }
  ~FeatureVersionsTest() override {
    store_.reset();
    std::filesystem::remove_all(directory_);
  }

  void Open() {
    store_.reset();
    index::StoreOptions options;
    options.path = directory_;
    store_ = index::Store::Open(options).value();
  }
  void PutPart(int slot, uint64_t id) {
    std::unique_ptr<index::StoreBatch> batch = store_->NewBatch();
    storage::v1::PartRecord record;
    record.mutable_part()->set_part_id(id);
    batch->PutPart(record);
    batch->PutFeatures(slot, id, {1.0f, 2.0f});
    ASSERT_TRUE(store_->Commit(std::move(batch), /*sync=*/true).ok());
  }
  bool Has(int slot, uint64_t id) { return store_->GetFeatures(slot, id).ok(); }

  const int text_ = model::SlotOf(model::Modality::kText), image_ = model::SlotOf(model::Modality::kImage);
  std::string directory_;
  std::unique_ptr<index::Store> store_;
};

TEST_F(FeatureVersionsTest, EveryRoomHasOne) {
  EXPECT_EQ(RoomVersions().size(), model::ModalityTable().size());
  EXPECT_GE(RoomVersions().at("text"), 1u);
}

TEST_F(FeatureVersionsTest, OfANewDirectoryNothingIsTakenOutAndItsVersionsAreNoted) {
  FeatureVersions now = RoomVersions();
  now["text"] = 7;
  EXPECT_THAT(TakeOutOldFeatures(*store_, now).value(), IsEmpty());
  PutPart(text_, 1);
  Open();
  EXPECT_THAT(TakeOutOldFeatures(*store_, now).value(), IsEmpty());
  EXPECT_TRUE(Has(text_, 1));
}

TEST_F(FeatureVersionsTest, OnlyFeaturesOfAnotherVersionAreTakenOutAndTheRoomWaitsUntilTheyAreMade) {
  FeatureVersions now = RoomVersions();
  ASSERT_TRUE(TakeOutOldFeatures(*store_, now).ok());
  PutPart(text_, 1);
  PutPart(image_, 2);
  ++now["image"];
  EXPECT_THAT(TakeOutOldFeatures(*store_, now).value(), ElementsAre(image_));
  EXPECT_TRUE(Has(text_, 1));
  EXPECT_FALSE(Has(image_, 2));
  PutPart(image_, 2);  // Described again; but the server ends before all are.
  Open();
  EXPECT_THAT(TakeOutOldFeatures(*store_, now).value(), ElementsAre(image_));
  EXPECT_TRUE(Has(image_, 2));
  ASSERT_TRUE(NoteFeaturesMade(*store_).ok());
  EXPECT_THAT(TakeOutOldFeatures(*store_, now).value(), IsEmpty());
}

TEST_F(FeatureVersionsTest, AnOlderServerThatOpensANewerDirectoryTakesOutToo) {
  FeatureVersions now = RoomVersions();
  ++now["text"];
  ASSERT_TRUE(TakeOutOldFeatures(*store_, now).ok());
  PutPart(text_, 1);
  --now["text"];
  EXPECT_THAT(TakeOutOldFeatures(*store_, now).value(), ElementsAre(text_));
  EXPECT_FALSE(Has(text_, 1));
}

TEST_F(FeatureVersionsTest, ADirectoryWithoutANoteIsOfTheFirstVersions) {
  PutPart(text_, 1);
  PutPart(image_, 2);
  FeatureVersions now;
  for (const auto& [name, version] : RoomVersions()) now[name] = 1;
  now["text"] = 2;
  EXPECT_THAT(TakeOutOldFeatures(*store_, now).value(), ElementsAre(text_));
  EXPECT_FALSE(Has(text_, 1));
  EXPECT_TRUE(Has(image_, 2));
}

}  // namespace
}  // namespace mixmatch::server
