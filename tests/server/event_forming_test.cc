#include "server/event_forming.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

namespace mixmatch::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

v1::Item Thing(uint64_t id, v1::Modality modality, const std::string& source, const std::string& name = "") {
  v1::Item item;
  item.set_item_id(id);
  item.set_modality(modality);
  item.set_source(source);
  item.set_name(name);
  return item;
}

v1::Item At(uint64_t id, v1::Modality modality, int64_t seconds, int64_t lasting = 0) {
  v1::Item item = Thing(id, modality, "cam");
  item.mutable_observed_time()->set_seconds(seconds);
  if (lasting > 0) item.mutable_duration()->set_seconds(lasting);
  return item;
}

v1::Item In(uint64_t id, v1::Modality modality, double latitude) {
  v1::Item item = Thing(id, modality, "");
  item.mutable_location()->set_latitude(latitude);
  item.mutable_location()->set_longitude(8.0);
  return item;
}

// What there is after a series of changes, by event id.
class World {
 public:
  explicit World(const LinkOptions& options = {}) : forming_(options) {}
  void Add(const v1::Item& item) { Apply(forming_.Add(item)); }
  void Remove(const v1::Item& item) {
    for (auto it = events_.begin(); it != events_.end();) {
      const auto& ids = it->second.item_ids;
      it = std::count(ids.begin(), ids.end(), item.item_id()) > 0 ? events_.erase(it) : std::next(it);
    }
    Apply(forming_.Remove(item));
  }
  std::map<std::string, std::vector<uint64_t>> Events() const {
    std::map<std::string, std::vector<uint64_t>> ids;
    for (const auto& [id, event] : events_) ids[id] = event.item_ids;
    return ids;
  }
  std::vector<std::vector<uint64_t>> Groups(v1::EventKind kind) const {
    std::vector<std::vector<uint64_t>> groups;
    for (const auto& [id, event] : events_) {
      if (event.kind == kind) groups.push_back(event.item_ids);
    }
    std::sort(groups.begin(), groups.end());
    return groups;
  }

 private:
  void Apply(const FormingChange& change) {
    for (const std::string& id : change.gone) events_.erase(id);
    for (const FormedEvent& event : change.put) events_[event.event_id] = event;
  }
  EventForming forming_;
  std::map<std::string, FormedEvent> events_;
};

TEST(EventFormingTest, ThingsOfOneSourceAndStemAreOneEvent) {
  World world;
  world.Add(Thing(1, v1::MODALITY_IMAGE, "tuxpaint", "birds/crow.png"));
  EXPECT_THAT(world.Events(), IsEmpty());
  world.Add(Thing(2, v1::MODALITY_AUDIO, "tuxpaint", "birds/crow.ogg"));
  world.Add(Thing(3, v1::MODALITY_TEXT, "tuxpaint", "birds/crow.txt"));
  world.Add(Thing(4, v1::MODALITY_TEXT, "tuxpaint", "crow.txt"));
  world.Add(Thing(5, v1::MODALITY_TEXT, "other", "birds/crow.txt"));
  world.Add(Thing(6, v1::MODALITY_TEXT, "", "birds/crow.txt"));
  EXPECT_THAT(world.Groups(v1::EVENT_KIND_NAME), ElementsAre(ElementsAre(1, 2, 3)));
  world.Remove(Thing(2, v1::MODALITY_AUDIO, "tuxpaint", "birds/crow.ogg"));
  EXPECT_THAT(world.Groups(v1::EVENT_KIND_NAME), ElementsAre(ElementsAre(1, 3)));
  world.Remove(Thing(3, v1::MODALITY_TEXT, "tuxpaint", "birds/crow.txt"));
  EXPECT_THAT(world.Events(), IsEmpty());
}

TEST(EventFormingTest, ARepeatedNameSaysNothing) {
  World world;
  for (uint64_t id = 1; id <= 20; ++id) world.Add(Thing(id, v1::MODALITY_IMAGE, "cam", "frame.png"));
  EXPECT_THAT(world.Events(), IsEmpty());
}

TEST(EventFormingTest, WhatIsAtTheSameTimeIsTakenAndWhatIsNearOnlyForWantOfIt) {
  World world;
  world.Add(At(1, v1::MODALITY_VIDEO, 100, 5));
  world.Add(At(2, v1::MODALITY_AUDIO, 107, 5));
  EXPECT_THAT(world.Groups(v1::EVENT_KIND_TIME), ElementsAre(ElementsAre(1, 2))) << "two seconds apart, nothing nearer";
  world.Add(At(3, v1::MODALITY_AUDIO, 101, 3));
  EXPECT_THAT(world.Groups(v1::EVENT_KIND_TIME), testing::Contains(ElementsAre(1, 3)));
  EXPECT_THAT(world.Groups(v1::EVENT_KIND_TIME), testing::Contains(ElementsAre(1, 2))) << "2 still has nothing better";
  world.Add(At(4, v1::MODALITY_VIDEO, 107, 5));
  const auto groups = world.Groups(v1::EVENT_KIND_TIME);
  EXPECT_THAT(groups, testing::Contains(ElementsAre(2, 4)));
  EXPECT_THAT(groups, testing::Not(testing::Contains(ElementsAre(1, 2))));
  world.Remove(At(3, v1::MODALITY_AUDIO, 101, 3));
  EXPECT_THAT(world.Groups(v1::EVENT_KIND_TIME), testing::Contains(ElementsAre(1, 2))) << "for want of a better one";
}

TEST(EventFormingTest, TheEventsOfATimelineDoNotDependOnTheOrderInWhichThingsCome) {
  std::vector<v1::Item> items;
  for (uint64_t i = 0; i < 30; ++i) {
    items.push_back(At(1 + 2 * i, v1::MODALITY_VIDEO, 1000 + static_cast<int64_t>(9 * i), 5));
    items.push_back(At(2 + 2 * i, v1::MODALITY_AUDIO, 1000 + static_cast<int64_t>(9 * i) + (i % 3), 5));
  }
  World first;
  for (const v1::Item& item : items) first.Add(item);
  EXPECT_GE(first.Events().size(), 30u);
  std::mt19937 random(7);
  for (int trial = 0; trial < 5; ++trial) {
    std::shuffle(items.begin(), items.end(), random);
    World other;
    other.Add(At(999, v1::MODALITY_AUDIO, 1050, 40));
    for (const v1::Item& item : items) other.Add(item);
    other.Remove(At(999, v1::MODALITY_AUDIO, 1050, 40));
    EXPECT_EQ(other.Events(), first.Events());
  }
}

TEST(EventFormingTest, AnItemThatStatesNoSourceOrTimeFormsNothingByTime) {
  World world;
  v1::Item nowhere = At(1, v1::MODALITY_VIDEO, 100);
  nowhere.clear_source();
  v1::Item never = Thing(2, v1::MODALITY_AUDIO, "cam");
  world.Add(nowhere);
  world.Add(never);
  world.Add(At(3, v1::MODALITY_TEXT, 100));
  EXPECT_THAT(world.Events(), IsEmpty());
}

TEST(EventFormingTest, PlacesLinkOnlyDifferentModalitiesAndTheNearestFew) {
  LinkOptions options;
  options.nearest = 2;
  World world(options);
  const double meter = 1 / 111195.0;
  world.Add(In(1, v1::MODALITY_IMAGE, 47.0));
  world.Add(In(2, v1::MODALITY_IMAGE, 47.0 + 10 * meter));
  world.Add(In(3, v1::MODALITY_IMAGE, 47.0 + 20 * meter));
  EXPECT_THAT(world.Events(), IsEmpty());
  world.Add(In(4, v1::MODALITY_AUDIO, 47.0 - 1 * meter));
  EXPECT_THAT(world.Groups(v1::EVENT_KIND_PLACE), ElementsAre(ElementsAre(1, 4), ElementsAre(2, 4)));
  world.Add(In(5, v1::MODALITY_TEXT, 47.0 + 100 * meter));
  EXPECT_THAT(world.Groups(v1::EVENT_KIND_PLACE), SizeIs(2)) << "too far from everything";
}

TEST(EventFormingTest, WhatIsLinkedByNameIsNotLinkedByTimeToo) {
  World world;
  v1::Item a = At(1, v1::MODALITY_VIDEO, 100, 5), b = At(2, v1::MODALITY_AUDIO, 100, 5);
  a.set_name("take.mp4");
  b.set_name("take.wav");
  world.Add(a);
  world.Add(b);
  EXPECT_THAT(world.Groups(v1::EVENT_KIND_NAME), SizeIs(1));
  EXPECT_THAT(world.Groups(v1::EVENT_KIND_TIME), IsEmpty());
}

TEST(EventFormingTest, AFolderIsAnEventOnlyWhereAskedForAndWhileItIsSmall) {
  World off;
  LinkOptions options;
  options.folders = true;
  World on(options);
  for (uint64_t id = 1; id <= 8; ++id) {
    const v1::Item item = Thing(id, v1::MODALITY_IMAGE, "s", "trip/" + std::to_string(id) + ".png");
    off.Add(item);
    on.Add(item);
  }
  EXPECT_THAT(off.Events(), IsEmpty());
  EXPECT_THAT(on.Groups(v1::EVENT_KIND_FOLDER), ElementsAre(SizeIs(8)));
  on.Add(Thing(9, v1::MODALITY_IMAGE, "s", "trip/9.png"));
  EXPECT_THAT(on.Events(), IsEmpty()) << "a collection";
}

TEST(EventFormingTest, EachRuleCanBeTurnedOff) {
  LinkOptions options;
  options.names = options.times = options.places = false;
  World world(options);
  v1::Item a = At(1, v1::MODALITY_VIDEO, 100, 5), b = At(2, v1::MODALITY_AUDIO, 100, 5);
  a.set_name("take.mp4");
  b.set_name("take.wav");
  for (v1::Item* item : {&a, &b}) item->mutable_location()->set_latitude(47.0);
  world.Add(a);
  world.Add(b);
  EXPECT_THAT(world.Events(), IsEmpty());
}

}  // namespace
}  // namespace mixmatch::server
