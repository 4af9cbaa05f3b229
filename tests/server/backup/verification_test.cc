// Each kind of damage is made by hand, found, and put right where that is possible.
#include "server/backup/verification.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <functional>

#include "absl/time/clock.h"
#include "model/threads.h"
#include "proto/base/sha256.h"
#include "server/trunk_outputs.h"
#include "tests/server/rooms.h"

namespace mixmatch::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr uint64_t kGeneration = 4;
constexpr uint64_t kItems = 5;
constexpr char kContent[] = "some words";

class VerificationTest : public testing::Test {
 protected:
  VerificationTest() {
    model::PrepareForManyThreads();
    directory_ = testing::TempDir() + "/verification";
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
    index::StoreOptions store_options;
    store_options.path = directory_ + "/store";
    store_ = index::Store::Open(store_options).value();
    options_.data_dir = directory_;
    options_.index.dim = kDim;
    options_.learner.enabled = false;
    live_ = std::make_unique<LiveIndex>(MakeServing(kGeneration, 1));
    checkpoint_ = std::make_unique<Checkpoint>(options_, *store_);
    EXPECT_TRUE(checkpoint_->SaveTrunk(0, *TinyTrunk()).ok());
    learner_ = std::make_unique<Learner>(options_.learner, *store_, catalog_, *live_, *checkpoint_);
    storage::v1::Manifest manifest;
    manifest.set_generation(kGeneration);
    EXPECT_TRUE(learner_->Start(manifest).ok());
    events_ = std::make_unique<EventBook>(*store_, catalog_, *live_, *learner_);
    EXPECT_TRUE(events_->Restore().ok());
    for (uint64_t id = 1; id <= kItems; ++id) AddItem(id);
    verification_ = std::make_unique<Verification>(*store_, catalog_, *checkpoint_, *live_, *learner_, *events_, kDim);
    operations_ = std::make_unique<Operations>(*store_);
    operations_->Add(Verification::kKind, [this](OperationRun& run) { return verification_->Run(run); });
    EXPECT_TRUE(operations_->Start().ok());
  }
  ~VerificationTest() override {
    operations_.reset();
    learner_.reset();
    store_.reset();
    std::filesystem::remove_all(directory_);
  }

  static uint64_t PartOf(uint64_t item_id) { return item_id << 16; }
  static storage::v1::PartRecord PartRecord(uint64_t item_id) {
    storage::v1::PartRecord record;
    record.mutable_part()->set_item_id(item_id);
    record.mutable_part()->set_part_id(PartOf(item_id));
    record.mutable_part()->set_modality(v1::MODALITY_TEXT);
    return record;
  }
  static ItemRecord Item(uint64_t item_id) {
    ItemRecord record;
    record.set_content_id(item_id);
    v1::Item& item = *record.mutable_item();
    item.set_item_id(item_id);
    item.set_modality(v1::MODALITY_TEXT);
    item.set_part_count(1);
    item.set_size_bytes(sizeof(kContent) - 1);
    Sha256 hash;
    hash.Update(kContent);
    item.set_sha256(hash.Finish());
    return record;
  }
  void AddItem(uint64_t item_id) {
    EXPECT_TRUE(store_->AppendContent(item_id, 0, kContent).ok());
    const EncodedPart part = EncodedBy(live_->Current()->encoder, PartOf(item_id));
    const auto commit = [&](const Serving& current, absl::Span<const EncodedPart> ready) {
      auto batch = store_->NewBatch();
      batch->PutItem(Item(item_id));
      PutPart(ready[0], current.generation, *batch);
      return store_->Commit(std::move(batch), /*sync=*/false);
    };
    EXPECT_TRUE(live_->Add({part}, kGeneration, commit).ok());
    catalog_.Put(Item(item_id));
  }
  static void PutPart(const EncodedPart& part, uint64_t generation, index::StoreBatch& batch) {
    batch.PutPart(PartRecord(part.part_id >> 16));
    batch.PutVector(part.part_id, generation, part.vector);
    batch.PutFeatures(part.slot, part.part_id, part.features);
    batch.PutTrunkFeatures(TrunkKey(0, part.slot), part.part_id, part.trunk_features);
    batch.PutTokens(part.part_id, part.tokens);
  }

  void Change(const std::function<void(index::StoreBatch&)>& fill) {
    auto batch = store_->NewBatch();
    fill(*batch);
    EXPECT_TRUE(store_->Commit(std::move(batch), /*sync=*/false).ok());
  }

  v1::Operation Verify(bool repair, bool content = true) {
    v1::VerifyRequest request;
    request.set_repair(repair);
    request.set_content(content);
    const auto begun = operations_->Begin(Verification::kKind, Verification::Prepare(request));
    EXPECT_TRUE(begun.ok()) << begun.status();
    const auto ended = operations_->Wait(begun->operation_id(), absl::Now() + absl::Seconds(300));
    EXPECT_EQ(ended->state(), v1::OPERATION_STATE_SUCCEEDED) << ended->error();
    EXPECT_EQ(ended->done(), ended->total());
    return *ended;
  }
  static std::vector<std::string> Kinds(const v1::Operation& operation) {
    std::vector<std::string> kinds;
    for (const v1::Finding& finding : operation.findings()) kinds.push_back(finding.kind());
    return kinds;
  }
  // Found, and nothing else; repaired; then nothing is found.
  void ExpectFoundAndRepaired(const std::string& kind) {
    SCOPED_TRACE(kind);
    EXPECT_THAT(Kinds(Verify(false)), ElementsAre(kind));
    const v1::Operation repaired = Verify(true);
    for (const v1::Finding& finding : repaired.findings()) EXPECT_TRUE(finding.repaired()) << finding.kind();
    EXPECT_THAT(Kinds(Verify(false)), IsEmpty());
  }
  void ExpectFoundAndLeft(const std::string& kind, bool content = true) {
    SCOPED_TRACE(kind);
    for (bool repair : {false, true}) {
      const v1::Operation operation = Verify(repair, content);
      ASSERT_THAT(Kinds(operation), ElementsAre(kind));
      EXPECT_FALSE(operation.findings(0).repaired());
      EXPECT_FALSE(operation.findings(0).advice().empty());
    }
  }

  std::string directory_;
  ServerOptions options_;
  std::unique_ptr<index::Store> store_;
  Catalog catalog_;
  std::unique_ptr<LiveIndex> live_;
  std::unique_ptr<Checkpoint> checkpoint_;
  std::unique_ptr<Learner> learner_;
  std::unique_ptr<EventBook> events_;
  std::unique_ptr<Verification> verification_;
  std::unique_ptr<Operations> operations_;
};

TEST_F(VerificationTest, NothingIsFoundWhereNothingIsWrong) { EXPECT_THAT(Kinds(Verify(false)), IsEmpty()); }

TEST_F(VerificationTest, WhatBelongsToNothingIsFoundAndRemoved) {
  const EncodedPart stray = EncodedBy(live_->Current()->encoder, PartOf(99));
  Change([&](index::StoreBatch& batch) { PutPart(stray, kGeneration, batch); });
  ExpectFoundAndRepaired("part-without-item");
  EXPECT_TRUE(absl::IsNotFound(store_->GetFeatures(stray.slot, stray.part_id).status()));
  Change([&](index::StoreBatch& batch) { batch.PutVector(PartOf(98), kGeneration, stray.vector); });
  ExpectFoundAndRepaired("vector-without-part");
  Change([&](index::StoreBatch& batch) { batch.PutTokens(PartOf(98), stray.tokens); });
  ExpectFoundAndRepaired("tokens-without-part");
  Change([&](index::StoreBatch& batch) { batch.PutFeatures(stray.slot, PartOf(98), stray.features); });
  ExpectFoundAndRepaired("features-without-part");
}

TEST_F(VerificationTest, AVectorThatIsMissingOrOfAnotherDimensionOrGenerationIsMadeAgain) {
  const EncodedPart part = EncodedBy(live_->Current()->encoder, PartOf(2));
  Change([&](index::StoreBatch& batch) {
    batch.DeletePart(part.part_id);
    batch.PutPart(PartRecord(2));
    batch.PutTokens(part.part_id, part.tokens);
  });
  ExpectFoundAndRepaired("part-without-vector");
  EXPECT_EQ(store_->GetVector(part.part_id, nullptr)->size(), static_cast<size_t>(kDim));
  Change([&](index::StoreBatch& batch) { batch.PutVector(part.part_id, kGeneration, {1.0f, 2.0f}); });
  ExpectFoundAndRepaired("vector-dimension");
  Change([&](index::StoreBatch& batch) { batch.PutVector(part.part_id, kGeneration + 50, part.vector); });
  ExpectFoundAndRepaired("vector-generation");
  ASSERT_TRUE(live_->Current()->slots[part.slot]->Remove(part.part_id).ok());
  ExpectFoundAndRepaired("part-not-indexed");
  EXPECT_TRUE(live_->Current()->slots[part.slot]->Get(part.part_id).ok());
}

TEST_F(VerificationTest, AMemberThatIsNotThereIsTakenOutOfItsEvent) {
  storage::v1::EventRecord event;
  event.mutable_event()->set_event_id("storm");
  event.mutable_event()->set_kind(v1::EVENT_KIND_DECLARED);
  for (uint64_t item : {1, 2, 77}) event.mutable_event()->add_members()->set_item_id(item);
  Change([&](index::StoreBatch& batch) { batch.PutEvent(event); });
  ExpectFoundAndRepaired("event-member-missing");
  EXPECT_EQ(store_->GetEvent("storm")->event().members_size(), 2);
}

TEST_F(VerificationTest, LostContentAndFeaturesAreFoundAndSaidToBeLost) {
  Change([&](index::StoreBatch& batch) { batch.DeleteContent(1); });
  ExpectFoundAndLeft("item-without-content");
  ASSERT_TRUE(store_->AppendContent(1, 0, std::string(kContent) + "!").ok());
  ExpectFoundAndLeft("content-size");
  ASSERT_TRUE(store_->AppendContent(1, 0, "same words").ok());
  ExpectFoundAndLeft("content-hash");
  EXPECT_THAT(Kinds(Verify(false, /*content=*/false)), IsEmpty());
  ASSERT_TRUE(store_->AppendContent(1, 0, kContent).ok());
  const EncodedPart part = EncodedBy(live_->Current()->encoder, PartOf(3));
  Change([&](index::StoreBatch& batch) { batch.DeleteFeatures(part.slot, part.part_id); });
  ExpectFoundAndLeft("part-without-features");
  Change([&](index::StoreBatch& batch) { batch.PutFeatures(part.slot, part.part_id, part.features); });
  ItemRecord item = Item(4);
  item.mutable_item()->set_part_count(3);
  catalog_.Put(item);
  ExpectFoundAndLeft("item-parts");
}

TEST_F(VerificationTest, ADamagedFileOfTheGenerationIsWrittenAnewAndOneOfAnEarlierTrunkIsSaidToBeLost) {
  ASSERT_TRUE(checkpoint_->Save(*live_->Current(), {}).ok());
  ASSERT_TRUE(checkpoint_->SaveTrunk(1, *TinyTrunk()).ok());
  EXPECT_THAT(Kinds(Verify(false)), IsEmpty());
  const std::string head = directory_ + "/" + store_->GetManifest()->head().path();
  std::filesystem::resize_file(head, std::filesystem::file_size(head) - 1);
  ExpectFoundAndRepaired("bad-published-file");
  const std::string trunk = directory_ + "/trunks/trunk-1.bin";
  std::filesystem::resize_file(trunk, std::filesystem::file_size(trunk) - 1);
  ExpectFoundAndLeft("bad-published-file");
}

}  // namespace
}  // namespace mixmatch::server
