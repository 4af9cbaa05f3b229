#include "server/match_sets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace mixmatch::server {
namespace {

ItemRecord Record(uint64_t id, double number, v1::Modality modality = v1::MODALITY_TEXT, uint32_t parts = 1) {
  ItemRecord record;
  record.mutable_item()->set_item_id(id);
  record.mutable_item()->set_modality(modality);
  record.mutable_item()->set_part_count(parts);
  (*record.mutable_item()->mutable_metadata())["n"].set_number(number);
  return record;
}

v1::Filter AtMost(double number) {
  v1::Filter filter;
  filter.mutable_condition()->set_field("metadata.n");
  filter.mutable_condition()->mutable_range()->set_max(number);
  return filter;
}

std::vector<uint64_t> Ids(const MatchSet& set) {
  std::vector<uint64_t> ids;
  set.ForEach([&](uint64_t id) { ids.push_back(id); });
  return ids;
}

TEST(MatchSetsTest, TheEmptyFilterHasNoSet) {
  Catalog catalog;
  MatchSets sets(catalog);
  EXPECT_EQ(*sets.Match(v1::Filter(), {}), nullptr);
}

TEST(MatchSetsTest, ABadFilterIsRefused) {
  Catalog catalog;
  MatchSets sets(catalog);
  v1::Filter filter;
  filter.mutable_condition()->set_field("colour");
  EXPECT_TRUE(absl::IsInvalidArgument(sets.Match(filter, {}).status()));
}

TEST(MatchSetsTest, AfterAnyChangesTheSetIsWhatTheFilterSaysOfEveryItem) {
  Catalog catalog;
  MatchSets sets(catalog);
  std::mt19937 random(1);
  std::vector<double> numbers(400, -1.0);  // By item id; -1: not there.
  for (int round = 0; round < 200; ++round) {
    for (int change = 0; change < static_cast<int>(random() % 8); ++change) {
      const uint64_t id = 1 + random() % (numbers.size() - 1);
      if (random() % 3 == 0) {
        catalog.Remove(id);
        numbers[id] = -1.0;
      } else {
        numbers[id] = random() % 100;
        catalog.Put(Record(id, numbers[id]));
      }
    }
    for (const double bound : {0.0, 30.0, 90.0}) {
      std::vector<uint64_t> wanted;
      for (uint64_t id = 1; id < numbers.size(); ++id) {
        if (numbers[id] >= 0 && numbers[id] <= bound) wanted.push_back(id);
      }
      const auto set = sets.Match(AtMost(bound), {});
      ASSERT_TRUE(set.ok()) << set.status();
      ASSERT_EQ(Ids(**set), wanted) << "round " << round << ", bound " << bound;
      EXPECT_EQ((*set)->items(), wanted.size());
      for (uint64_t id = 0; id < numbers.size() + 100; ++id) {
        ASSERT_EQ((*set)->Has(id), std::binary_search(wanted.begin(), wanted.end(), id)) << id;
      }
      int64_t parts = 0;
      (*set)->ForEachPartCount([&](v1::Modality, int64_t count) { parts += count; });
      EXPECT_GE(parts, wanted.size());
      EXPECT_LE(parts, wanted.size() + 17 + wanted.size() / 8);
    }
  }
}

TEST(MatchSetsTest, ASetIsKeptWhileNothingChanges) {
  Catalog catalog;
  MatchSets sets(catalog);
  catalog.Put(Record(1, 5));
  const auto first = *sets.Match(AtMost(9), {});
  EXPECT_EQ(*sets.Match(AtMost(9), {}), first);
  catalog.Put(Record(2, 5));
  EXPECT_NE(*sets.Match(AtMost(9), {}), first);
  EXPECT_EQ(Ids(*first), std::vector<uint64_t>{1}) << "a set given out does not change";
}

TEST(MatchSetsTest, ASetFarBehindIsMadeAnew) {
  Catalog catalog;
  MatchSets sets(catalog);
  catalog.Put(Record(1, 5));
  ASSERT_TRUE(sets.Match(AtMost(9), {}).ok());
  for (int i = 0; i < 40'000; ++i) catalog.Put(Record(2 + i % 3, i % 7));
  EXPECT_THAT(Ids(**sets.Match(AtMost(9), {})), testing::ElementsAre(1, 2, 3, 4));
}

TEST(MatchSetsTest, MoreFiltersThanAreKeptAreStillAnswered) {
  Catalog catalog;
  MatchSets sets(catalog);
  for (int i = 0; i < 200; ++i) catalog.Put(Record(1 + i, i));
  for (int round = 0; round < 2; ++round) {
    for (int bound = 0; bound < 200; ++bound) EXPECT_EQ((*sets.Match(AtMost(bound), {}))->items(), bound + 1);
  }
}

TEST(MatchSetsTest, PartsAreCountedByTheModalityOfTheirItem) {
  Catalog catalog;
  MatchSets sets(catalog);
  catalog.Put(Record(1, 1, v1::MODALITY_TEXT, 3));
  catalog.Put(Record(2, 1, v1::MODALITY_VIDEO, 7));
  catalog.Put(Record(3, 99, v1::MODALITY_IMAGE, 1));
  std::vector<std::pair<v1::Modality, int64_t>> counts;
  const auto set = *sets.Match(AtMost(9), {});
  set->ForEachPartCount([&](v1::Modality modality, int64_t parts) { counts.emplace_back(modality, parts); });
  EXPECT_THAT(counts, testing::UnorderedElementsAre(testing::Pair(v1::MODALITY_TEXT, 3),
                                                    testing::Pair(v1::MODALITY_VIDEO, 7)));
}

TEST(MatchSetsTest, ACallThatEndedMakesNoSet) {
  Catalog catalog;
  MatchSets sets(catalog);
  catalog.Put(Record(1, 5));
  EXPECT_TRUE(absl::IsCancelled(sets.Match(AtMost(9), {[] { return true; }, absl::InfiniteFuture()}).status()));
  EXPECT_EQ((*sets.Match(AtMost(9), {}))->items(), 1);
}

}  // namespace
}  // namespace mixmatch::server
