// What trains the trunk and what judges it, on stores of declared pairs and of films.
#include "server/training_events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "server/event_groups.h"
#include "server/probe.h"
#include "server/training_batches.h"
#include "tests/server/rooms.h"

namespace mixmatch::server {
namespace {

using ::testing::Contains;
using ::testing::Not;

class TrainingEventsTest : public testing::Test {
 protected:
  TrainingEventsTest() {
    directory_ = testing::TempDir() + "/training_events_" + testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(directory_);
    index::StoreOptions options;
    options.path = directory_;
    store_ = index::Store::Open(options).value();
  }
  ~TrainingEventsTest() override {
    store_.reset();
    std::filesystem::remove_all(directory_);
  }

  // A film of so many shots of two seconds, each with a window of sound.
  void AddFilm(uint64_t item_id, int shots, int64_t created = 0) {
    storage::v1::ItemRecord item;
    item.mutable_item()->set_item_id(item_id);
    item.mutable_item()->set_modality(v1::MODALITY_VIDEO);
    item.mutable_item()->set_part_count(2 * shots);
    item.mutable_item()->mutable_created_time()->set_seconds(created);
    auto batch = store_->NewBatch();
    batch->PutItem(item);
    for (int i = 0; i < 2 * shots; ++i) {
      v1::Part part;
      part.set_item_id(item_id);
      part.set_part_id(item_id << 16 | static_cast<uint64_t>(i));
      part.set_modality(i % 2 == 0 ? v1::MODALITY_VIDEO : v1::MODALITY_AUDIO);
      part.set_start_seconds(i / 2 * 2.0);
      part.set_end_seconds(i / 2 * 2.0 + 2.0);
      PutPart(part, *batch);
    }
    ASSERT_TRUE(store_->Commit(std::move(batch), /*sync=*/false).ok());
  }

  // A text and a picture.
  void AddPair(const std::string& event_id, uint64_t first_item, int64_t created) {
    storage::v1::EventRecord event;
    event.mutable_event()->set_event_id(event_id);
    event.mutable_event()->mutable_created_time()->set_seconds(created);
    auto batch = store_->NewBatch();
    for (uint64_t id : {first_item, first_item + 1}) {
      storage::v1::ItemRecord item;
      item.mutable_item()->set_item_id(id);
      item.mutable_item()->set_part_count(1);
      item.mutable_item()->add_event_ids(event_id);
      batch->PutItem(item);
      v1::Part part;
      part.set_item_id(id);
      part.set_part_id(id << 16);
      part.set_modality(id == first_item ? v1::MODALITY_TEXT : v1::MODALITY_IMAGE);
      PutPart(part, *batch);
      v1::EventMember& member = *event.mutable_event()->add_members();
      member.set_item_id(id);
      member.set_weight(1.0f);
    }
    batch->PutEvent(event);
    ASSERT_TRUE(store_->Commit(std::move(batch), /*sync=*/false).ok());
  }

  // Declares an event of items that are there.
  void Link(const std::string& event_id, std::vector<uint64_t> items) {
    storage::v1::EventRecord event;
    event.mutable_event()->set_event_id(event_id);
    for (uint64_t id : items) {
      event.mutable_event()->add_members()->set_item_id(id);
      event.mutable_event()->mutable_members()->rbegin()->set_weight(1.0f);
    }
    auto batch = store_->NewBatch();
    batch->PutEvent(event);
    ASSERT_TRUE(store_->Commit(std::move(batch), /*sync=*/false).ok());
  }

  std::set<std::string> Trained() const {
    std::set<std::string> ids;
    const auto listed = ListEvents(*store_);
    for (const ListedEvent& event : listed->train) ids.insert(event.id);
    return ids;
  }

  std::unique_ptr<index::Store> store_;

 private:
  void PutPart(const v1::Part& part, index::StoreBatch& batch) {
    storage::v1::PartRecord record;
    *record.mutable_part() = part;
    batch.PutPart(record);
    const int slot = model::SlotOf(static_cast<model::Modality>(part.modality()));
    std::mt19937_64 random(part.part_id());
    std::vector<float> features(model::ModalityTable()[slot]->feature_dim());
    for (float& value : features) value = static_cast<float>(random() % 64) / 64.0f;
    std::vector<uint8_t> tokens(model::kTokenBytes * 4);
    for (uint8_t& value : tokens) value = static_cast<uint8_t>(random());
    batch.PutFeatures(slot, part.part_id(), features);
    batch.PutTokens(part.part_id(), tokens);
  }

  std::string directory_;
};

TEST_F(TrainingEventsTest, AFilmTeachesByItselfUnlessItIsHeldOut) {
  for (uint64_t id = 1; id <= 400; ++id) AddFilm(id, 2);
  const auto listed = ListEvents(*store_);
  ASSERT_TRUE(listed.ok()) << listed.status();
  EXPECT_EQ(listed->train.size() + listed->probe.size(), 400u);
  EXPECT_NEAR(static_cast<double>(listed->probe.size()), 20, 15);
  for (const std::string& id : listed->probe) EXPECT_TRUE(IsProbeEvent(id));
}

TEST_F(TrainingEventsTest, WhatIsInAHeldOutEventTeachesNothingByItself) {
  ASSERT_TRUE(IsProbeEvent("event-17"));
  ASSERT_FALSE(IsProbeEvent("event-1"));
  AddFilm(1, 2);
  AddFilm(2, 2);
  Link("event-17", {1});
  Link("event-1", {2});
  EXPECT_THAT(Trained(), Not(Contains(ContainerId(1))));
  EXPECT_THAT(Trained(), Contains(ContainerId(2)));
  EXPECT_THAT(ListEvents(*store_)->probe, testing::ElementsAre("event-17"));
}

TEST_F(TrainingEventsTest, ThingsOfOnePartTeachOnlyByTheirEvents) {
  AddPair("event-1", 1, 0);
  EXPECT_EQ(Trained(), std::set<std::string>{"event-1"});
}

TEST_F(TrainingEventsTest, ALongFilmIsDrawnMoreOftenButNotWithoutBound) {
  ASSERT_FALSE(IsProbeEvent(ContainerId(1)) || IsProbeEvent(ContainerId(2)) || IsProbeEvent(ContainerId(3)));
  AddFilm(1, 2);
  AddFilm(2, 40);
  AddFilm(3, 1000);
  const auto listed = ListEvents(*store_);
  ASSERT_EQ(listed->train.size(), 3u);
  EXPECT_EQ(listed->train[0].draws, 1);
  EXPECT_EQ(listed->train[1].draws, 10);
  EXPECT_EQ(listed->train[2].draws, 64);
}

TEST_F(TrainingEventsTest, AFewFilmsFillABatchWithStretchesThatShareNoPart) {
  for (uint64_t id = 1; id <= 3; ++id) AddFilm(id, 40);
  TrainingBatches batches(*store_, 16, 1);
  ASSERT_TRUE(batches.Read(absl::InfinitePast()).ok());
  EXPECT_EQ(batches.size(), 30u);
  for (int step = 0; step < 20; ++step) {
    const auto batch = batches.Draw();
    ASSERT_TRUE(batch.ok()) << batch.status();
    EXPECT_EQ(batch->size(), 16u);
    std::set<std::vector<uint8_t>> seen;
    for (const model::TrainingEvent& event : *batch) {
      std::set<int> slots;
      for (const model::TrainingPart& part : event.parts) {
        slots.insert(part.slot);
        EXPECT_TRUE(seen.insert(part.tokens).second);
      }
      EXPECT_EQ(slots.size(), 2u) << "a shot and its sound";
    }
  }
}

TEST_F(TrainingEventsTest, HalfOfABatchIsNewerThanThePublishedTrunkWhereThereIsEnoughOfThat) {
  std::set<uint64_t> newer;
  for (int i = 0; i < 400; ++i) {
    const std::string id = absl::StrCat("pair-", i);
    AddPair(id, 2 * i + 1, i);
    if (i > 360) newer.insert(EventHash(id));
  }
  const auto count_new = [&](absl::Time published) {
    TrainingBatches batches(*store_, 16, 1);
    EXPECT_TRUE(batches.Read(published).ok());
    int found = 0;
    for (int step = 0; step < 20; ++step) {
      const auto batch = batches.Draw();
      EXPECT_EQ(batch->size(), 16u);
      for (const model::TrainingEvent& event : *batch) found += newer.count(event.id);
    }
    return found;
  };
  EXPECT_GE(count_new(absl::FromUnixSeconds(360)), 20 * 8);
  EXPECT_LT(count_new(absl::InfinitePast()), 20 * 4) << "all are new: drawn evenly";
  EXPECT_LT(count_new(absl::FromUnixSeconds(397)), 20 * 4) << "two new ones would be learned by heart";
}

TEST_F(TrainingEventsTest, FilmsAloneCanJudgeATrunk) {
  for (uint64_t id = 1; id <= 60; ++id) AddFilm(id, 12);
  const auto probe = ListEvents(*store_)->probe;
  ASSERT_GE(probe.size(), 2u);
  const auto result = RunProbe(*store_, 0, *TinyTrunk(), ProbeSize(), model::HeadRidges(), [] { return false; });
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->events, static_cast<int64_t>(probe.size()) * 8) << "eight stretches of each";
  EXPECT_EQ(result->pairs, result->events * 2);
}

}  // namespace
}  // namespace mixmatch::server
