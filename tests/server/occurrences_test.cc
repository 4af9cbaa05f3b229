#include "server/occurrences.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mixmatch::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

v1::Item Thing(uint64_t id, const std::string& source, const std::string& name = "") {
  v1::Item item;
  item.set_item_id(id);
  item.set_source(source);
  item.set_name(name);
  return item;
}

v1::Item At(uint64_t id, int64_t seconds, int64_t lasting = 0, const std::string& source = "s") {
  v1::Item item = Thing(id, source);
  item.mutable_observed_time()->set_seconds(seconds);
  if (lasting > 0) item.mutable_duration()->set_seconds(lasting);
  return item;
}

v1::Item In(uint64_t id, double latitude, double longitude) {
  v1::Item item = Thing(id, "");
  item.mutable_location()->set_latitude(latitude);
  item.mutable_location()->set_longitude(longitude);
  return item;
}

std::vector<uint64_t> Ids(const std::vector<Occurrence>& all) {
  std::vector<uint64_t> ids;
  for (const Occurrence& one : all) ids.push_back(one.item_id);
  return ids;
}

TEST(StemTest, AStemIsTheNameWithItsFolderAndWithoutItsExtension) {
  EXPECT_EQ(StemOf("a/b/crow.ogg"), "a/b/crow");
  EXPECT_EQ(StemOf("a\\b\\crow.png"), "a/b/crow");
  EXPECT_EQ(StemOf("crow"), "crow");
  EXPECT_EQ(StemOf("crow.tar.gz"), "crow.tar");
  EXPECT_EQ(StemOf("a.b/crow"), "a.b/crow");
  EXPECT_EQ(StemOf(""), "");
  EXPECT_EQ(StemOf("a/.profile"), "") << "nothing but an extension";
  EXPECT_EQ(FolderOf("a/b/crow.ogg"), "a/b");
  EXPECT_EQ(FolderOf("crow.ogg"), "");
}

TEST(StemTest, SubtitlesMayNameTheirLanguageAndOthersMayNot) {
  EXPECT_EQ(StemOf("film.srt"), "film");
  EXPECT_EQ(StemOf("film.en.srt"), "film");
  EXPECT_EQ(StemOf("film.pt-BR.forced.VTT"), "film");
  EXPECT_EQ(StemOf("film.part2.srt"), "film.part2");
  EXPECT_EQ(StemOf("film.en.mp4"), "film.en");
  EXPECT_EQ(StemOf("en.srt"), "en");
}

TEST(OccurrencesTest, AStemIsOfOneSourceAndEachFullNameCountsOnce) {
  Occurrences all(50);
  all.Add(Thing(1, "s", "a/crow.png"));
  all.Add(Thing(2, "t", "a/crow.ogg"));
  all.Add(Thing(3, "", "a/crow.ogg"));
  all.Add(Thing(4, "s", "a/crow.ogg"));
  all.Add(Thing(5, "s", "a/crow.ogg"));
  all.Add(Thing(6, "s", "b/crow.txt"));
  EXPECT_THAT(all.OfStem("s", "a/crow", 16), ElementsAre(1, 4));
  all.Remove(Thing(4, "s", "a/crow.ogg"));
  EXPECT_THAT(all.OfStem("s", "a/crow", 16), ElementsAre(1, 5));
  EXPECT_THAT(all.OfStem("s", "a/crow", 1), ElementsAre(1));
  EXPECT_THAT(all.OfFolder("s", "a", 16), ElementsAre(1, 5));
}

TEST(OccurrencesTest, TheWindowReachesFromTheEndOfOneToTheBeginOfTheOther) {
  Occurrences all(50);
  all.Add(At(1, 100, 20));
  all.Add(At(2, 129));
  all.Add(At(3, 131));
  all.Add(At(4, 90));
  all.Add(At(5, 89));
  all.Add(At(6, 110, 0, "other"));
  EXPECT_THAT(Ids(all.NearInTime("s", OccurrenceOf(At(1, 100, 20)), 10)), ElementsAre(2, 4));
  EXPECT_EQ(Gap(OccurrenceOf(At(1, 100, 20)), OccurrenceOf(At(2, 129))), 9.0);
  EXPECT_FALSE(Overlap(OccurrenceOf(At(1, 100, 20)), OccurrenceOf(At(2, 120, 5)))) << "they only touch";
  EXPECT_TRUE(Overlap(OccurrenceOf(At(1, 100, 20)), OccurrenceOf(At(2, 120)))) << "a moment at its end is within";
}

TEST(OccurrencesTest, ALongFilmIsFoundBehindManyPicturesThatBeganSince) {
  Occurrences all(50);
  all.Add(At(1, 1000, 7200));
  for (uint64_t i = 0; i < 1000; ++i) all.Add(At(2 + i, 1000 + static_cast<int64_t>(7 * i)));
  const auto near = Ids(all.NearInTime("s", OccurrenceOf(At(5000, 7000)), 10));
  EXPECT_THAT(near, testing::Contains(1));
  EXPECT_LE(near.size(), Occurrences::kNeighbors);
}

TEST(OccurrencesTest, ThePlacesWithinTheRadiusAreFoundAlsoAcrossCellsAndFarNorth) {
  for (const double latitude : {-0.00001, 47.5, 69.9}) {
    Occurrences all(50);
    const double degree = 111195.0;
    all.Add(In(1, latitude + 40 / degree, 8.0));
    all.Add(In(2, latitude + 60 / degree, 8.0));
    const double east = degree * std::cos(latitude * M_PI / 180);
    all.Add(In(3, latitude, 8.0 + 45 / east));
    all.Add(In(4, latitude, 8.0 - 55 / east));
    EXPECT_THAT(Ids(all.NearInPlace(OccurrenceOf(In(9, latitude, 8.0)), 50)), ElementsAre(1, 3)) << latitude;
  }
}

TEST(OccurrencesTest, PlacesOnBothSidesOfTheDateLineAndOfAPoleAreNear) {
  for (const double latitude : {-17.0, 0.0, 66.0}) {
    Occurrences all(50);
    const double degree = 111195.0 * std::cos(latitude * M_PI / 180);
    all.Add(In(1, latitude, 180.0 - 20 / degree));
    all.Add(In(2, latitude, -180.0 + 20 / degree));
    all.Add(In(3, latitude, -180.0 + 60 / degree));
    all.Add(In(4, latitude, 180.0));
    EXPECT_THAT(Ids(all.NearInPlace(OccurrenceOf(In(9, latitude, 180.0 - 20 / degree)), 50)), ElementsAre(1, 2, 4)) << latitude;
    EXPECT_THAT(Ids(all.NearInPlace(OccurrenceOf(In(9, latitude, -180.0)), 50)), ElementsAre(1, 2, 4)) << latitude;
  }
  for (const double pole : {-90.0, 90.0}) {
    for (const double radius : {10.0, 50.0, 100'000.0}) {
      Occurrences all(radius);
      const double away = pole > 0 ? -1.0 : 1.0, third = radius / 111195.0 / 3;
      for (uint64_t id = 1; id <= 12; ++id) all.Add(In(id, pole + away * third, -180.0 + 30.0 * id));
      EXPECT_EQ(all.NearInPlace(OccurrenceOf(In(99, pole + away * third, 17.0)), radius).size(), 12u) << pole << " " << radius;
      EXPECT_EQ(all.NearInPlace(OccurrenceOf(In(99, pole, 0.0)), radius).size(), 12u) << pole << " " << radius;
    }
  }
}

TEST(OccurrencesTest, NothingIsKeptOfWhatStatesNothingOrIsGone) {
  Occurrences all(50);
  all.Add(Thing(1, "", "a.png"));
  EXPECT_EQ(all.size(), 0u);
  for (uint64_t id = 1; id < 100; ++id) all.Add(At(id, 5, 100));
  for (uint64_t id = 1; id < 100; ++id) all.Remove(At(id, 5, 100));
  EXPECT_EQ(all.size(), 0u);
  EXPECT_THAT(all.NearInTime("s", OccurrenceOf(At(200, 5)), 10), IsEmpty());
}

}  // namespace
}  // namespace mixmatch::server
