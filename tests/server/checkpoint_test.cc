#include "server/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/server/rooms.h"

namespace mixmatch::server {
namespace {

constexpr int kOldSlots = 4;  // The first release with a format had text, pictures, sounds and videos.
constexpr int kTexts = 5;

class CheckpointTest : public testing::Test {
 protected:
  CheckpointTest() {
    directory_ = testing::TempDir() + "/checkpoint_" + testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
    index::StoreOptions store_options;
    store_options.path = directory_ + "/store";
    store_ = index::Store::Open(store_options).value();
    options_.data_dir = directory_;
    options_.index.dim = kDim;
    options_.init = "scratch";
    options_.trunk = model::TrunkConfig::Tiny();
  }
  ~CheckpointTest() override {
    store_.reset();
    std::filesystem::remove_all(directory_);
  }

  // A generation as a server of `slots` slots saves it, with some texts in it.
  Serving SaveWith(int slots) {
    model::TrunkConfig config = model::TrunkConfig::Tiny();
    config.slots = slots;
    const auto trunk = model::Trunk::Create(config).value();
    std::vector<int> dims = HeadDims(*trunk);
    dims.resize(slots);
    Serving serving{3, Encoder(0, trunk, model::HeadMaps::Random(dims, kDim, /*seed=*/77).value()), {}};
    for (int slot = 0; slot < slots; ++slot) {
      serving.slots.push_back(index::SegmentedIndex::Create(options_.index, 3).value());
    }
    std::unique_ptr<index::StoreBatch> batch = store_->NewBatch();
    for (uint64_t id = 1; id <= kTexts; ++id) {
      const EncodedPart part = EncodedBy(serving.encoder, id);
      EXPECT_TRUE(serving.slots[0]->Upsert(id, part.vector).ok());
      storage::v1::PartRecord record;
      record.mutable_part()->set_part_id(id);
      record.mutable_part()->set_modality(v1::MODALITY_TEXT);
      batch->PutPart(record);
    }
    EXPECT_TRUE(store_->Commit(std::move(batch), /*sync=*/true).ok());
    Checkpoint checkpoint(options_, *store_);
    EXPECT_TRUE(checkpoint.SaveTrunk(0, *trunk).ok());
    EXPECT_TRUE(checkpoint.Save(serving, {}).ok());
    return serving;
  }

  std::string directory_;
  ServerOptions options_;
  std::unique_ptr<index::Store> store_;
};

TEST_F(CheckpointTest, ADirectoryOfFourSlotsOpensWithNothingRebuiltAndItsVectorsAsTheyWere) {
  ASSERT_GT(model::ModalityTable().size(), kOldSlots);
  const Serving saved = SaveWith(kOldSlots);
  const Restored restored = Checkpoint(options_, *store_).Restore().value();
  EXPECT_EQ(restored.segments_loaded, kOldSlots);
  EXPECT_EQ(restored.segments_rebuilt, 0);
  EXPECT_EQ(restored.serving->generation, 3u);
  ASSERT_EQ(restored.serving->slots.size(), model::ModalityTable().size());
  for (uint64_t id = 1; id <= kTexts; ++id) {
    EXPECT_EQ(restored.serving->slots[0]->Get(id).value(), saved.slots[0]->Get(id).value());
    EXPECT_EQ(EncodedBy(restored.serving->encoder, id).vector, EncodedBy(saved.encoder, id).vector);
  }
}

TEST_F(CheckpointTest, EverySlotOfAnOldDirectoryTakesPartsAndTheNextCheckpointHoldsThem) {
  SaveWith(kOldSlots);
  const Restored restored = Checkpoint(options_, *store_).Restore().value();
  const Serving& serving = *restored.serving;
  for (int slot = 0; slot < static_cast<int>(serving.slots.size()); ++slot) {
    EncodedPart part;
    part.slot = slot;
    part.features.assign(model::ModalityTable()[slot]->feature_dim(), 0.25f);
    part.tokens.assign(model::kTokenBytes, 7);
    ASSERT_TRUE(serving.encoder.EncodeAll(absl::MakeSpan(&part, 1)).ok()) << slot;
    ASSERT_TRUE(serving.slots[slot]->Upsert(1000 + slot, part.vector).ok()) << slot;
  }
  ASSERT_TRUE(Checkpoint(options_, *store_).Save(serving, restored.manifest).ok());
  const Restored again = Checkpoint(options_, *store_).Restore().value();
  EXPECT_EQ(again.segments_loaded, static_cast<int>(serving.slots.size()));
  EXPECT_EQ(again.serving->encoder.head()->Serialize(), serving.encoder.head()->Serialize());
  EXPECT_EQ(again.serving->encoder.trunk()->ToBytes(), serving.encoder.trunk()->ToBytes());
}

TEST_F(CheckpointTest, NothingThatWasMadeFromARenewedSlotsFeaturesIsUsed) {
  const Serving saved = SaveWith(static_cast<int>(model::ModalityTable().size()));
  std::unique_ptr<index::StoreBatch> batch = store_->NewBatch();
  const EncodedPart again = RawPart(2);  // Described again before the server ended.
  batch->PutFeatures(again.slot, 2, again.features);
  batch->PutTokens(2, again.tokens);
  batch->PutVector(1, saved.generation, saved.slots[0]->Get(1).value());
  ASSERT_TRUE(store_->Commit(std::move(batch), /*sync=*/true).ok());
  const Restored restored = Checkpoint(options_, *store_).Restore({0}).value();
  EXPECT_EQ(restored.serving->slots[0]->size(), 1u);
  EXPECT_TRUE(restored.serving->slots[0]->Get(2).ok());
  EXPECT_NE(EncodedBy(restored.serving->encoder, 2).vector, EncodedBy(saved.encoder, 2).vector);
  const int image = model::SlotOf(model::Modality::kImage);
  const std::vector<float> features(saved.encoder.head()->feature_dim(image), 0.5f);
  EXPECT_EQ(restored.serving->encoder.head()->Map(image, features).value(), saved.encoder.head()->Map(image, features).value());
}

}  // namespace
}  // namespace mixmatch::server
