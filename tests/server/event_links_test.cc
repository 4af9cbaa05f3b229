#include "server/event_links.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "server/container_links.h"
#include "server/part_slot.h"

namespace mixmatch::server {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

v1::Part MakePart(uint64_t item, uint64_t position, v1::Modality modality, double start = 0, double end = 0) {
  v1::Part part;
  part.set_item_id(item);
  part.set_part_id(item << 16 | position);
  part.set_modality(modality);
  part.set_start_seconds(start);
  part.set_end_seconds(end);
  return part;
}

std::vector<uint64_t> Positions(const EventLink& link) {
  std::vector<uint64_t> positions;
  for (const auto& [slot, part_id] : link.parts) positions.push_back(part_id & 0xffff);
  return positions;
}

// Items in memory, and the events between them.
class LinksTest : public testing::Test {
 protected:
  v1::Item& Add(uint64_t id, std::vector<v1::Part> parts) {
    auto facts = std::make_shared<ItemFacts>();
    facts->record.mutable_item()->set_item_id(id);
    facts->record.mutable_item()->set_source("cam-1");
    facts->parts = std::move(parts);
    items_[id] = facts;
    return *facts->record.mutable_item();
  }
  storage::v1::EventRecord Event(v1::EventKind kind, const std::vector<uint64_t>& ids) {
    storage::v1::EventRecord record;
    record.mutable_event()->set_event_id("e");
    record.mutable_event()->set_kind(kind);
    record.mutable_event()->set_source("cam-1");
    record.set_reach(10);
    record.set_nearest(4);
    for (uint64_t id : ids) {
      record.mutable_event()->add_members()->set_item_id(id);
      record.mutable_event()->mutable_members(record.event().members_size() - 1)->set_weight(1);
    }
    return record;
  }
  std::vector<EventLink> Links(const storage::v1::EventRecord& record) {
    const auto links = LinksOf(
        [this](uint64_t id) -> absl::StatusOr<std::shared_ptr<const ItemFacts>> {
          const auto found = items_.find(id);
          return found == items_.end() ? nullptr : found->second;
        },
        holds_, record, /*explain=*/true);
    EXPECT_TRUE(links.ok()) << links.status();
    return *links;
  }

  std::map<uint64_t, std::shared_ptr<ItemFacts>> items_;
  storage::v1::LinkHolds holds_;
};

TEST_F(LinksTest, ThePartsOfTwoItemsAreLinkedByTheirOwnTimes) {
  Add(1, {MakePart(1, 0, v1::MODALITY_VIDEO, 0, 5), MakePart(1, 1, v1::MODALITY_VIDEO, 5, 9)})
      .mutable_observed_time()
      ->set_seconds(1777600000);
  Add(2, {MakePart(2, 0, v1::MODALITY_AUDIO, 0, 2), MakePart(2, 1, v1::MODALITY_AUDIO, 2, 4)})
      .mutable_observed_time()
      ->set_seconds(1777600006);
  const auto links = Links(Event(v1::EVENT_KIND_TIME, {1, 2}));
  std::map<std::string, double> weights;
  for (const EventLink& link : links) weights[link.key] = link.weight;
  const auto key = [](uint64_t a, uint64_t b) { return std::to_string(1 << 16 | a) + "-" + std::to_string(2 << 16 | b); };
  // Sound 6..8 s and 8..10 s lie in the second shot, 5..9 s; the first one has only neighbors, 1 s and 3 s away.
  EXPECT_EQ(weights.at(key(1, 0)), 1.0);
  EXPECT_EQ(weights.at(key(1, 1)), 1.0);
  EXPECT_NEAR(weights.at(key(0, 0)), std::exp(-.1), 1e-9);
  EXPECT_NEAR(weights.at(key(0, 1)), std::exp(-.3), 1e-9);
  EXPECT_EQ(links[0].explanation, "1.0 s apart at source cam-1: weight 0.90");
}

TEST_F(LinksTest, MomentsOfOneModalityAreLinkedMoreWeakly) {
  Add(1, {MakePart(1, 0, v1::MODALITY_IMAGE)}).mutable_observed_time()->set_seconds(100);
  Add(2, {MakePart(2, 0, v1::MODALITY_IMAGE)}).mutable_observed_time()->set_seconds(103);
  const auto links = Links(Event(v1::EVENT_KIND_TIME, {1, 2}));
  ASSERT_THAT(links, SizeIs(1));
  EXPECT_NEAR(links[0].weight, std::exp(-.3) / 4, 1e-9);
}

TEST_F(LinksTest, AFilmAndItsSubtitlesOfOneNameAreLinkedWhereTheyOverlap) {
  Add(1, {MakePart(1, 0, v1::MODALITY_VIDEO, 0, 5), MakePart(1, 1, v1::MODALITY_VIDEO, 5, 9),
          MakePart(1, 2, v1::MODALITY_AUDIO, 0, 9)})
      .set_name("a/film.mp4");
  Add(2, {MakePart(2, 0, v1::MODALITY_TEXT, 1, 2), MakePart(2, 1, v1::MODALITY_TEXT, 6, 8)}).set_name("a/film.srt");
  const auto links = Links(Event(v1::EVENT_KIND_NAME, {1, 2}));
  ASSERT_THAT(links, SizeIs(2));
  EXPECT_THAT(Positions(links[0]), ElementsAre(0, 2, 0));
  EXPECT_THAT(Positions(links[1]), ElementsAre(1, 2, 1));
  EXPECT_THAT(links[0].explanation, HasSubstr("both named a/film in source cam-1"));
}

TEST_F(LinksTest, APlaceLinksWeaklyByDistance) {
  Add(1, {MakePart(1, 0, v1::MODALITY_IMAGE)}).mutable_location()->set_latitude(0);
  Add(2, {MakePart(2, 0, v1::MODALITY_AUDIO)}).mutable_location()->set_latitude(5 / 111195.0);
  const auto links = Links(Event(v1::EVENT_KIND_PLACE, {1, 2}));
  ASSERT_THAT(links, SizeIs(1));
  EXPECT_NEAR(links[0].weight, std::exp(-.5) / 4, 1e-4);
}

TEST_F(LinksTest, ACorrectionOfOneLinkWinsOverOneOfAll) {
  Add(1, {MakePart(1, 0, v1::MODALITY_IMAGE)});
  Add(2, {MakePart(2, 0, v1::MODALITY_AUDIO)});
  storage::v1::EventRecord record = Event(v1::EVENT_KIND_DECLARED, {1, 2});
  auto* all = record.add_corrections();
  all->set_key(kEveryLink);
  all->set_undone(true);
  EXPECT_EQ(Links(record).at(0).state, v1::LINK_STATE_UNDONE);
  auto* one = record.add_corrections();
  one->set_key("all");
  one->set_weight(2.5);
  EXPECT_EQ(Links(record).at(0).state, v1::LINK_STATE_LEARNED);
  EXPECT_EQ(Links(record).at(0).weight, 2.5);
  EXPECT_EQ(Links(record).at(0).formed_weight, 1.0);
}

TEST_F(LinksTest, AHeldItemIsLeftOutOfADeclaredEventAndEndsAFormedOne) {
  for (uint64_t id : {1, 2, 3}) Add(id, {MakePart(id, 0, v1::MODALITY_IMAGE)}).set_name("x/a." + std::to_string(id));
  items_[3]->record.mutable_item()->set_source("mallory");
  holds_.add_sources("mallory");
  const auto declared = Links(Event(v1::EVENT_KIND_DECLARED, {1, 2, 3}));
  ASSERT_THAT(declared, SizeIs(2));
  EXPECT_THAT(declared[0].parts, SizeIs(2));
  EXPECT_EQ(declared[0].state, v1::LINK_STATE_LEARNED);
  EXPECT_EQ(declared[1].state, v1::LINK_STATE_HELD);
  const auto formed = Links(Event(v1::EVENT_KIND_NAME, {1, 2, 3}));
  ASSERT_THAT(formed, SizeIs(1));
  EXPECT_EQ(formed[0].state, v1::LINK_STATE_HELD);
}

TEST(ContainerLinksTest, ACaptionGoesStronglyWithItsFigureAndAPageWeakly) {
  std::vector<v1::Part> parts;
  for (uint64_t i = 0; i < 4; ++i) parts.push_back(MakePart(1, i, i == 1 ? v1::MODALITY_IMAGE : v1::MODALITY_TEXT));
  for (uint64_t i = 0; i < 4; ++i) parts[i].set_page(i < 3 ? 4 : 5);
  parts[2].set_describes_part_id(parts[1].part_id());
  const auto links = ContainerLinks(parts, true);
  ASSERT_THAT(links, SizeIs(3));
  EXPECT_EQ(links[0].kind, v1::EVENT_KIND_CAPTION);
  EXPECT_EQ(links[0].weight, 3.0);
  EXPECT_EQ(links[0].explanation, "caption of a figure on page 4");
  EXPECT_THAT(Positions(links[0]), ElementsAre(1, 2));
  EXPECT_EQ(links[1].weight, 0.25);
  EXPECT_THAT(Positions(links[1]), ElementsAre(0, 1, 2));
  EXPECT_EQ(links[2].weight, 0.125);
  EXPECT_THAT(Positions(links[2]), ElementsAre(0, 3));
}

TEST(ContainerLinksTest, TextsGoFaintlyWithTheNextPageWhereOneIsNext) {
  std::vector<v1::Part> parts;
  const auto add = [&](uint32_t page, v1::Modality modality, v1::PartKind kind) {
    parts.push_back(MakePart(1, parts.size(), modality));
    parts.back().set_page(page);
    parts.back().set_kind(kind);
  };
  add(1, v1::MODALITY_TEXT, v1::PART_KIND_UNSPECIFIED);
  add(1, v1::MODALITY_TEXT, v1::PART_KIND_UNSPECIFIED);
  add(1, v1::MODALITY_IMAGE, v1::PART_KIND_FIGURE);
  add(1, v1::MODALITY_TEXT, v1::PART_KIND_CAPTION);
  add(2, v1::MODALITY_IMAGE, v1::PART_KIND_PAGE);
  add(2, v1::MODALITY_TEXT, v1::PART_KIND_UNSPECIFIED);
  add(4, v1::MODALITY_TEXT, v1::PART_KIND_UNSPECIFIED);  // Nothing is on page 3.
  add(5, v1::MODALITY_IMAGE, v1::PART_KIND_PAGE);
  std::vector<EventLink> turns;
  for (const EventLink& link : ContainerLinks(parts, true)) {
    if (link.key[0] == 't') turns.push_back(link);
  }
  ASSERT_THAT(turns, SizeIs(1));
  EXPECT_EQ(turns[0].key, "t1");
  EXPECT_THAT(Positions(turns[0]), ElementsAre(1, 5));
  EXPECT_EQ(turns[0].weight, 0.125);
  EXPECT_EQ(turns[0].explanation, "where page 1 goes on to page 2");
}

TEST(ContainerLinksTest, ALongDocumentIsNotOneGroup) {
  std::vector<v1::Part> parts;
  for (uint64_t i = 0; i < 3000; ++i) {
    parts.push_back(MakePart(1, i, i % 6 == 5 ? v1::MODALITY_IMAGE : v1::MODALITY_TEXT));
    parts.back().set_page(1 + i / 6);
  }
  const auto links = ContainerLinks(parts);
  EXPECT_THAT(links, SizeIs(500 + 499)) << "pages, and the turns between them";
  for (const EventLink& link : links) EXPECT_THAT(link.parts, SizeIs(Le(16u)));
}

TEST(ContainerLinksTest, AFigureGoesWithTheTextsBesideItWhereThereAreNoPages) {
  std::vector<v1::Part> parts;
  for (uint64_t i = 0; i < 5; ++i) parts.push_back(MakePart(1, i, i == 2 ? v1::MODALITY_IMAGE : v1::MODALITY_TEXT));
  parts[2].set_kind(v1::PART_KIND_FIGURE);
  const auto links = ContainerLinks(parts);
  ASSERT_THAT(links, SizeIs(1));
  EXPECT_THAT(Positions(links[0]), ElementsAre(1, 2, 3));
}

TEST(ContainerLinksTest, WordsReadInAPictureGoWithItAndItsCaptionAlone) {
  std::vector<v1::Part> parts;
  for (uint64_t i = 0; i < 4; ++i) parts.push_back(MakePart(1, i, i == 1 ? v1::MODALITY_IMAGE : v1::MODALITY_TEXT));
  parts[1].set_kind(v1::PART_KIND_FIGURE);
  parts[2].set_kind(v1::PART_KIND_CAPTION);
  parts[2].set_describes_part_id(parts[1].part_id());
  parts.push_back(MakePart(1, kFirstWords, v1::MODALITY_IMAGE));
  parts[4].set_kind(v1::PART_KIND_WORDS);
  parts[4].set_describes_part_id(parts[1].part_id());
  for (const bool paged : {false, true}) {
    for (v1::Part& part : parts) part.set_page(paged ? 1 : 0);
    std::map<std::string, EventLink> links;
    for (const EventLink& link : ContainerLinks(parts)) links[link.key] = link;
    EXPECT_THAT(links, SizeIs(3));
    EXPECT_THAT(Positions(links.at("c2")), UnorderedElementsAre(1, 2));
    EXPECT_THAT(Positions(links.at("w1")), UnorderedElementsAre(1, 2, kFirstWords));
    for (const auto& [key, link] : links) {
      EXPECT_EQ(key == "w1", testing::Value(Positions(link), Contains(kFirstWords))) << key;
    }
  }
}

TEST(ContainerLinksTest, APictureWithWordsIsOneGroup) {
  std::vector<v1::Part> parts = {MakePart(1, 0, v1::MODALITY_IMAGE), MakePart(1, kFirstWords, v1::MODALITY_IMAGE)};
  parts[1].set_kind(v1::PART_KIND_WORDS);
  parts[1].set_describes_part_id(parts[0].part_id());
  const auto links = ContainerLinks(parts);
  ASSERT_THAT(links, SizeIs(1));
  EXPECT_THAT(links[0].parts, UnorderedElementsAre(SlotAndPart(parts[0]), SlotAndPart(parts[1])));
  EXPECT_EQ(SlotAndPart(parts[1]).first, TextSlot());
}

TEST(ContainerLinksTest, ALongTextOrTableIsRunsOfNeighborsWithTheHeader) {
  std::vector<v1::Part> parts;
  for (uint64_t i = 0; i < 100; ++i) parts.push_back(MakePart(1, i, v1::MODALITY_TABLE));
  parts[0].set_kind(v1::PART_KIND_HEADER);
  const auto links = ContainerLinks(parts);
  EXPECT_THAT(links, SizeIs(7));
  for (const EventLink& link : links) EXPECT_EQ(std::count(link.parts.begin(), link.parts.end(), SlotAndPart(parts[0])), 1);
}

TEST(ContainerLinksTest, ChaptersAndTagsGoWithAFewOfWhatTheyAreOf) {
  std::vector<v1::Part> parts;
  for (uint64_t i = 0; i < 100; ++i) parts.push_back(MakePart(1, i, v1::MODALITY_AUDIO, 5.0 * i, 5.0 * i + 5));
  parts.push_back(MakePart(1, 100, v1::MODALITY_TEXT, 0, 20));
  parts.back().set_kind(v1::PART_KIND_CHAPTER);
  parts.push_back(MakePart(1, 101, v1::MODALITY_TEXT));
  parts.back().set_kind(v1::PART_KIND_TAGS);
  std::map<std::string, EventLink> links;
  for (const EventLink& link : ContainerLinks(parts)) links[link.key] = link;
  EXPECT_THAT(links.at("h100").parts, SizeIs(5));
  EXPECT_THAT(links.at("file").parts, SizeIs(17));
}

TEST(LinkIdTest, AnIdIsTheEventAndTheKeyBehindItsLastHash) {
  EXPECT_EQ(SplitLinkId(LinkId("a#b", "c4")), std::make_pair(std::string("a#b"), std::string("c4")));
  EXPECT_EQ(SplitLinkId("item:7"), std::make_pair(std::string("item:7"), std::string("*")));
}

}  // namespace
}  // namespace mixmatch::server
