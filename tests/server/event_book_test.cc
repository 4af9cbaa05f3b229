#include "server/event_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/event_groups.h"
#include "tests/server/rooms.h"

namespace mixmatch::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class EventBookTest : public testing::Test {
 protected:
  EventBookTest() {
    directory_ = testing::TempDir() + "/event_book_" + testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
    index::StoreOptions options;
    options.path = directory_ + "/store";
    options.memory_bytes = 8 << 20;
    store_ = index::Store::Open(options).value();
    server_options_.data_dir = directory_;
    checkpoint_ = std::make_unique<Checkpoint>(server_options_, *store_);
    live_ = std::make_unique<LiveIndex>(MakeServing(1, 1));
    // Not started: changes queue up and can be counted.
    learner_ = std::make_unique<Learner>(server_options_.learner, *store_, catalog_, *live_, *checkpoint_);
    book_ = std::make_unique<EventBook>(*store_, catalog_, *live_, *learner_);
  }
  ~EventBookTest() override {
    book_.reset();
    learner_.reset();
    store_.reset();
    std::filesystem::remove_all(directory_);
  }

  // A text item of `parts` parts, searchable, as ingest would make it.
  uint64_t AddItem(const std::string& event_id, int parts = 1, const std::string& source = "",
                   const std::string& name = "", const std::string& principal = "") {
    ItemRecord record;
    record.set_principal(principal);
    const uint64_t id = book_->NextItemId();
    record.mutable_item()->set_item_id(id);
    record.mutable_item()->set_modality(v1::MODALITY_TEXT);
    record.mutable_item()->set_source(source);
    record.mutable_item()->set_name(name);
    record.mutable_item()->set_part_count(parts);
    record.set_content_id(id);
    if (!event_id.empty()) record.mutable_item()->add_event_ids(event_id);
    EXPECT_TRUE(store_->AppendContent(id, 0, "content").ok());
    std::vector<v1::Part> api_parts(parts);
    std::vector<EncodedPart> encoded;
    for (int i = 0; i < parts; ++i) {
      api_parts[i].set_item_id(id);
      api_parts[i].set_part_id(id << 16 | i);
      api_parts[i].set_modality(v1::MODALITY_TEXT);
      encoded.push_back(EncodedBy(live_->Current()->encoder, id << 16 | i));
    }
    EXPECT_TRUE(live_->Add(std::move(encoded), 1, [&](const Serving&, absl::Span<const EncodedPart> ready) {
                      auto batch = store_->NewBatch();
                      batch->PutItem(record);
                      for (int i = 0; i < parts; ++i) {
                        storage::v1::PartRecord part;
                        *part.mutable_part() = api_parts[i];
                        batch->PutPart(part);
                        batch->PutVector(ready[i].part_id, 1, ready[i].vector);
                      }
                      return book_->AddNewItem(record, api_parts, std::move(batch));
                    }).ok());
    return id;
  }

  static v1::LinkRequest LinkOf(const std::string& event_id, const std::vector<uint64_t>& items) {
    v1::LinkRequest request;
    request.set_event_id(event_id);
    for (uint64_t item : items) request.add_members()->set_item_id(item);
    return request;
  }

  std::vector<uint64_t> StoredMembers(const std::string& event_id) {
    std::vector<uint64_t> items;
    const auto record = store_->GetEvent(event_id);
    if (!record.ok()) return items;
    for (const v1::EventMember& member : record->event().members()) items.push_back(member.item_id());
    return items;
  }

  // Events that the server formed of the item.
  std::vector<std::string> FormedOf(uint64_t item_id) {
    std::vector<std::string> formed;
    const std::vector<std::string> ids = store_->GetEventIds(item_id).value();
    std::copy_if(ids.begin(), ids.end(), std::back_inserter(formed),
                 [](const std::string& id) { return id.rfind(kFormedPrefix, 0) == 0; });
    return formed;
  }

  std::vector<std::string> EventsOf(uint64_t item_id) {
    const auto record = catalog_.Get(item_id);
    if (record == nullptr) return {};
    const auto stored = store_->GetItem(item_id);
    EXPECT_TRUE(stored.ok());
    EXPECT_EQ(stored->SerializeAsString(), record->SerializeAsString()) << "catalog and store disagree";
    return {record->item().event_ids().begin(), record->item().event_ids().end()};
  }

  std::string directory_;
  ServerOptions server_options_;
  std::unique_ptr<index::Store> store_;
  Catalog catalog_;
  std::unique_ptr<Checkpoint> checkpoint_;
  std::unique_ptr<LiveIndex> live_;
  std::unique_ptr<Learner> learner_;
  std::unique_ptr<EventBook> book_;
};

TEST_F(EventBookTest, ItemsOfOneEventIdAreMembersOfOneEvent) {
  const uint64_t a = AddItem("walk"), b = AddItem("walk");
  EXPECT_THAT(StoredMembers("walk"), ElementsAre(a, b));
  EXPECT_THAT(EventsOf(a), ElementsAre("walk"));
}

TEST_F(EventBookTest, AnItemOfSeveralPartsFormsItsContainersEvent) {
  const uint64_t a = AddItem("", 3), b = AddItem("", 1);
  EXPECT_EQ(store_->GetEvent(ContainerId(a))->event().kind(), v1::EVENT_KIND_CONTAINER);
  EXPECT_TRUE(absl::IsNotFound(store_->GetEvent(ContainerId(b)).status()));
  EXPECT_EQ(GroupsOf(*store_, ContainerId(a))->size(), 1u);
  EXPECT_EQ(GroupsOf(*store_, ContainerId(b))->size(), 1u) << "an item in no event counts alone";
}

TEST_F(EventBookTest, AnItemOfOnePartCountsAloneOnlyUntilItIsLinked) {
  const uint64_t a = AddItem(""), b = AddItem("");
  ASSERT_TRUE(book_->Link(LinkOf("e", {a, b})).ok());
  EXPECT_THAT(*GroupsOf(*store_, ContainerId(a)), IsEmpty());
  const auto groups = GroupsOf(*store_, "e");
  ASSERT_EQ(groups->size(), 1u);
  EXPECT_EQ((*groups)[0].parts.size(), 2u);
  EXPECT_EQ((*groups)[0].weight, 1.0);
}

TEST_F(EventBookTest, ALinkAddsToAnEventAndAMemberTakesItsNewWeight) {
  const uint64_t a = AddItem(""), b = AddItem(""), c = AddItem("");
  ASSERT_TRUE(book_->Link(LinkOf("e", {b, a})).ok());
  v1::LinkRequest more = LinkOf("e", {c, a});
  more.mutable_members(1)->set_weight(5.0f);
  const auto event = book_->Link(more);
  ASSERT_TRUE(event.ok()) << event.status();
  EXPECT_THAT(StoredMembers("e"), ElementsAre(a, b, c));
  EXPECT_EQ(event->members(0).weight(), 5.0f);
  EXPECT_EQ(event->members(1).weight(), 1.0f);
  EXPECT_THAT(EventsOf(c), ElementsAre("e"));
}

TEST_F(EventBookTest, ALinkWithoutAnIdMakesANewEvent) {
  const uint64_t a = AddItem(""), b = AddItem("");
  const auto first = book_->Link(LinkOf("", {a, b}));
  const auto second = book_->Link(LinkOf("", {a, b}));
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_NE(first->event_id(), second->event_id());
  EXPECT_THAT(EventsOf(a), ElementsAre(first->event_id(), second->event_id()));
}

TEST_F(EventBookTest, ABadLinkChangesNothing) {
  const uint64_t a = AddItem(""), b = AddItem("");
  EXPECT_TRUE(absl::IsInvalidArgument(book_->Link(LinkOf("e", {})).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(book_->Link(LinkOf("e", {a})).status())) << "one member is no event";
  EXPECT_TRUE(absl::IsInvalidArgument(book_->Link(LinkOf("e", {a, a})).status())) << "one member named twice";
  EXPECT_TRUE(absl::IsNotFound(book_->Link(LinkOf("e", {a, 999})).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(book_->Link(LinkOf("item:1", {a, b})).status()));
  v1::LinkRequest part = LinkOf("e", {a, b});
  part.mutable_members(0)->set_part_id(a << 16 | 9);
  EXPECT_TRUE(absl::IsNotFound(book_->Link(part).status()));
  EXPECT_TRUE(absl::IsNotFound(store_->GetEvent("e").status()));
  EXPECT_THAT(EventsOf(a), IsEmpty());
}

TEST_F(EventBookTest, ARepeatedLinkIsAnsweredAsTheFirstWas) {
  const uint64_t a = AddItem(""), b = AddItem("");
  v1::LinkRequest request = LinkOf("", {a, b});
  request.set_request_id("once");
  const auto first = book_->Link(request), second = book_->Link(request);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(first->SerializeAsString(), second->SerializeAsString());
  EXPECT_EQ(EventsOf(a).size(), 1u);
}

TEST_F(EventBookTest, UnlinkTakesMembersOutOrUndoesTheEvent) {
  const uint64_t a = AddItem("e"), b = AddItem("e"), c = AddItem("e");
  v1::UnlinkRequest request;
  request.set_event_id("e");
  request.add_members()->set_item_id(b);
  ASSERT_TRUE(book_->Unlink(request).ok());
  EXPECT_THAT(StoredMembers("e"), ElementsAre(a, c));
  EXPECT_THAT(EventsOf(b), IsEmpty());
  request.clear_members();
  const auto left = book_->Unlink(request);
  ASSERT_TRUE(left.ok());
  EXPECT_EQ(left->members_size(), 0);
  EXPECT_TRUE(absl::IsNotFound(store_->GetEvent("e").status()));
  EXPECT_THAT(EventsOf(a), IsEmpty());
  EXPECT_THAT(*store_->GetEventIds(a), IsEmpty());
  EXPECT_TRUE(absl::IsNotFound(book_->Unlink(request).status()));
}

TEST_F(EventBookTest, TheEventOfAContainerCannotBeUndone) {
  const uint64_t a = AddItem("", 2);
  v1::UnlinkRequest request;
  request.set_event_id(ContainerId(a));
  EXPECT_TRUE(absl::IsInvalidArgument(book_->Unlink(request).status()));
}

TEST_F(EventBookTest, ADeletedItemLeavesNothingAndItsEventsShrink) {
  const uint64_t a = AddItem("e", 2), b = AddItem("e");
  ASSERT_TRUE(book_->DeleteItem(a).ok());
  EXPECT_THAT(StoredMembers("e"), ElementsAre(b));
  EXPECT_TRUE(absl::IsNotFound(store_->GetItem(a).status()));
  EXPECT_THAT(*store_->GetParts(a), IsEmpty());
  EXPECT_TRUE(absl::IsNotFound(store_->GetVector(a << 16, nullptr).status()));
  EXPECT_TRUE(absl::IsNotFound(store_->GetEvent(ContainerId(a)).status()));
  EXPECT_FALSE(store_->ReadContent(a, 0, 7, [](absl::string_view) { return true; }).ok());
  EXPECT_FALSE(live_->Current()->slots[0]->Get(a << 16).ok());
  EXPECT_FALSE(catalog_.Contains(a));
  EXPECT_TRUE(absl::IsNotFound(book_->DeleteItem(a)));
}

TEST_F(EventBookTest, TheLearnerIsToldOfEveryChangeOfAnEvent) {
  const uint64_t a = AddItem("e"), b = AddItem("");
  EXPECT_EQ(learner_->Status().events_queued(), 3u) << "e, and both containers";
  ASSERT_TRUE(book_->Link(LinkOf("f", {a, b})).ok());
  EXPECT_EQ(learner_->Status().events_queued(), 4u);
}

TEST_F(EventBookTest, ItemsOfOneSourceAndNameFormAnEventThatARestartFindsAgain) {
  const uint64_t a = AddItem("", 1, "tuxpaint", "birds/crow.png");
  EXPECT_THAT(FormedOf(a), IsEmpty());
  const uint64_t b = AddItem("", 1, "tuxpaint", "birds/crow.ogg");
  const std::vector<std::string> formed = FormedOf(a);
  ASSERT_EQ(formed.size(), 1u);
  EXPECT_THAT(StoredMembers(formed[0]), ElementsAre(a, b));
  EXPECT_THAT(*GroupsOf(*store_, ContainerId(a)), IsEmpty()) << "it does not count alone";
  EXPECT_EQ(GroupsOf(*store_, formed[0])->size(), 1u);
  // Another book over the same store forms the same event, with a third member.
  const uint64_t next = book_->NextItemId();
  book_ = std::make_unique<EventBook>(*store_, catalog_, *live_, *learner_);
  ASSERT_TRUE(book_->Restore().ok());
  book_->SetNextItemId(next);
  const uint64_t c = AddItem("", 1, "tuxpaint", "birds/crow.txt");
  EXPECT_EQ(FormedOf(c), formed);
  EXPECT_THAT(StoredMembers(formed[0]), ElementsAre(a, b, c));
  ASSERT_TRUE(book_->DeleteItem(a).ok());
  ASSERT_TRUE(book_->DeleteItem(b).ok());
  EXPECT_THAT(FormedOf(c), IsEmpty());
  EXPECT_EQ(GroupsOf(*store_, ContainerId(c))->size(), 1u) << "alone again";
}

TEST_F(EventBookTest, WhatIsDeclaredTogetherIsNotFormedToo) {
  const uint64_t a = AddItem("e", 1, "s", "x.png");
  AddItem("e", 1, "s", "x.ogg");
  EXPECT_THAT(FormedOf(a), IsEmpty());
}

TEST_F(EventBookTest, ALinkTakesThePlaceOfWhatWasFormedAndAnUnlinkGivesItBackAsItWasCorrected) {
  const uint64_t a = AddItem("", 1, "s", "x.png"), b = AddItem("", 1, "s", "x.ogg");
  const std::vector<std::string> formed = FormedOf(a);
  ASSERT_EQ(formed.size(), 1u);
  v1::CorrectLinkRequest heavier;
  heavier.set_link_id(LinkId(formed[0], "all"));
  heavier.set_weight(5.0);
  ASSERT_TRUE(book_->CorrectLink(heavier).ok());
  ASSERT_TRUE(book_->Link(LinkOf("hand", {a, b})).ok());
  EXPECT_THAT(FormedOf(a), IsEmpty());
  EXPECT_THAT(*GroupsOf(*store_, formed[0]), IsEmpty());
  EXPECT_EQ(GroupsOf(*store_, "hand")->size(), 1u);
  v1::UnlinkRequest undo;
  undo.set_event_id("hand");
  ASSERT_TRUE(book_->Unlink(undo).ok());
  EXPECT_EQ(FormedOf(a), formed);
  EXPECT_THAT(StoredMembers(formed[0]), ElementsAre(a, b));
  const auto groups = GroupsOf(*store_, formed[0]);
  ASSERT_EQ(groups->size(), 1u);
  EXPECT_EQ(groups->at(0).weight, 5.0);
}

TEST_F(EventBookTest, WhatIsFormedWithOthersTooStaysBesideALinkOfSome) {
  const uint64_t a = AddItem("", 1, "s", "x.png"), b = AddItem("", 1, "s", "x.ogg");
  AddItem("", 1, "s", "x.txt");
  ASSERT_TRUE(book_->Link(LinkOf("hand", {a, b})).ok());
  EXPECT_EQ(FormedOf(a).size(), 1u);
}

TEST_F(EventBookTest, AnUndoneLinkTeachesNothingAndStaysUndoneWhenItIsFormedAgain) {
  const uint64_t a = AddItem("", 1, "s", "x.png"), b = AddItem("", 1, "s", "x.ogg");
  const std::string event = FormedOf(a).at(0);
  v1::CorrectLinkRequest request;
  request.set_link_id(LinkId(event, "all"));
  request.set_undo(true);
  ASSERT_TRUE(book_->CorrectLink(request).ok());
  EXPECT_THAT(*GroupsOf(*store_, event), IsEmpty());
  EXPECT_EQ(GroupsOf(*store_, ContainerId(a))->size(), 1u) << "it counts alone";
  v1::UpdateMetadataRequest rename;
  rename.set_item_id(b);
  rename.set_name("y.ogg");
  ASSERT_TRUE(book_->UpdateItem(rename).ok());
  EXPECT_THAT(FormedOf(a), IsEmpty());
  rename.set_name("x.ogg");
  ASSERT_TRUE(book_->UpdateItem(rename).ok());
  EXPECT_THAT(FormedOf(a), ElementsAre(event));
  EXPECT_THAT(*GroupsOf(*store_, event), IsEmpty());
  request.set_restore(true);
  const auto links = book_->CorrectLink(request);
  ASSERT_TRUE(links.ok()) << links.status();
  EXPECT_EQ(links->at(0).explanation(), "both named x in source s");
  EXPECT_EQ(GroupsOf(*store_, event)->size(), 1u);
}

TEST_F(EventBookTest, AWeightIsCorrectedAndABadCorrectionChangesNothing) {
  const uint64_t a = AddItem("e#1");
  AddItem("e#1");
  v1::CorrectLinkRequest request;
  request.set_link_id("e#1");
  request.set_weight(4);
  ASSERT_TRUE(book_->CorrectLink(request).ok()) << "an event's id may hold a hash";
  EXPECT_EQ(GroupsOf(*store_, "e#1")->at(0).weight, 4.0);
  request.set_weight(101);
  EXPECT_TRUE(absl::IsInvalidArgument(book_->CorrectLink(request).status()));
  request.clear_change();
  EXPECT_TRUE(absl::IsInvalidArgument(book_->CorrectLink(request).status()));
  request.set_link_id("e#1#other");
  request.set_undo(true);
  EXPECT_TRUE(absl::IsNotFound(book_->CorrectLink(request).status()));
  EXPECT_EQ(GroupsOf(*store_, "e#1")->at(0).weight, 4.0);
  EXPECT_THAT(EventsOf(a), ElementsAre("e#1"));
}

TEST_F(EventBookTest, RemovedLinksOfASourceLeaveWhatWouldBeWithoutIt) {
  const uint64_t a = AddItem("e", 1, "good", "x.png"), b = AddItem("e", 1, "good", "y.png");
  const uint64_t c = AddItem("e", 2, "bad", "x.ogg"), d = AddItem("", 1, "bad", "z.ogg");
  v1::RemoveLinksRequest request;
  request.set_source("bad");
  const auto removed = book_->RemoveLinks(request);
  ASSERT_TRUE(removed.ok()) << removed.status();
  EXPECT_EQ(removed->items(), 2u);
  EXPECT_THAT(StoredMembers("e"), ElementsAre(a, b));
  EXPECT_THAT(EventsOf(c), IsEmpty());
  for (uint64_t item : {c, d}) EXPECT_THAT(*GroupsOf(*store_, ContainerId(item)), IsEmpty());
  EXPECT_TRUE(catalog_.Contains(c)) << "the items stay";
  ASSERT_TRUE(book_->Link(LinkOf("again", {a, d})).ok()) << "what is declared afterwards counts";
  EXPECT_EQ(GroupsOf(*store_, "again")->at(0).parts.size(), 2u);
  const auto again = book_->RemoveLinks(request);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->items(), 1u) << "until it is removed too";
  EXPECT_THAT(StoredMembers("again"), ElementsAre(a));
}

TEST_F(EventBookTest, BeyondItsCapASourceIsHeldUntilItIsReleased) {
  LinkOptions options;
  options.max_per_source = 2;
  book_ = std::make_unique<EventBook>(*store_, catalog_, *live_, *learner_, options);
  AddItem("e", 1, "s");
  AddItem("e", 1, "s");
  const uint64_t c = AddItem("e", 1, "s");
  AddItem("e", 1, "t");
  EXPECT_EQ(GroupsOf(*store_, "e")->at(0).parts.size(), 3u);
  EXPECT_TRUE(store_->GetEvent("e")->event().members(2).held());
  v1::ReleaseLinksRequest release;
  release.set_source("s");
  ASSERT_TRUE(book_->ReleaseLinks(release).ok());
  EXPECT_TRUE(store_->GetEvent("e")->event().members(2).held()) << "the cap still holds";
  ASSERT_TRUE(book_->DeleteItem(c - 1).ok());
  ASSERT_TRUE(book_->ReleaseLinks(release).ok());
  EXPECT_EQ(GroupsOf(*store_, "e")->at(0).parts.size(), 3u);
}

TEST_F(EventBookTest, AUserThatNamesOtherSourcesDoesNotEscapeTheCap) {
  LinkOptions options;
  options.max_per_source = 2;
  book_ = std::make_unique<EventBook>(*store_, catalog_, *live_, *learner_, options);
  AddItem("e", 1, "s", "", "ann");
  AddItem("e", 1, "t", "", "ann");
  AddItem("e", 1, "u", "", "ann");
  EXPECT_TRUE(store_->GetEvent("e")->event().members(2).held());
  AddItem("e", 1, "s", "", "bob");
  EXPECT_FALSE(store_->GetEvent("e")->event().members(3).held());
}

TEST_F(EventBookTest, AnUpdateSetsAndRemovesMetadataAndKeepsTheRest) {
  const uint64_t a = AddItem("e");
  v1::UpdateMetadataRequest request;
  request.set_item_id(a);
  (*request.mutable_set())["color"].set_text("red");
  (*request.mutable_set())["size"].set_number(3);
  request.set_name("cat");
  ASSERT_TRUE(book_->UpdateItem(request).ok());
  v1::UpdateMetadataRequest second;
  second.set_item_id(a);
  second.add_remove("size");
  second.add_remove("never there");
  const auto item = book_->UpdateItem(second);
  ASSERT_TRUE(item.ok()) << item.status();
  EXPECT_EQ(item->name(), "cat");
  EXPECT_EQ(item->metadata().size(), 1u);
  EXPECT_EQ(item->metadata().at("color").text(), "red");
  EXPECT_THAT(EventsOf(a), ElementsAre("e"));
}

TEST_F(EventBookTest, ABadUpdateChangesNothing) {
  const uint64_t a = AddItem("");
  v1::UpdateMetadataRequest request;
  request.set_item_id(a);
  (*request.mutable_set())["good"].set_number(1);
  (*request.mutable_set())["bad key"].set_number(1);
  EXPECT_TRUE(absl::IsInvalidArgument(book_->UpdateItem(request).status()));
  request.clear_set();
  request.set_name(std::string(1025, 'n'));
  EXPECT_TRUE(absl::IsInvalidArgument(book_->UpdateItem(request).status()));
  EXPECT_EQ(catalog_.Get(a)->item().metadata().size(), 0u);
  request.set_item_id(999);
  EXPECT_TRUE(absl::IsNotFound(book_->UpdateItem(request).status()));
}

}  // namespace
}  // namespace mixmatch::server
