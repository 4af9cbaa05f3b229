#include "server/hit_counts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "server/trunk_outputs.h"

namespace mixmatch::server {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

TEST(HitCountsTest, CountsAreOfEachPart) {
  HitCounts hits;
  hits.Add({7, 8});
  hits.Add({7});
  EXPECT_EQ(hits.Of(7), 2u);
  EXPECT_EQ(hits.Of(8), 1u);
  EXPECT_EQ(hits.Of(9), 0u);
}

TEST(HitCountsTest, ThereAreNeverMoreThanThereIsRoomForAndTheOftenFoundStay) {
  HitCounts hits(16);
  for (int i = 0; i < 5; ++i) hits.Add({1, 2});
  for (uint64_t part = 100; part < 116; ++part) {
    hits.Add({part});
    EXPECT_LE(hits.size(), 16u);
  }
  EXPECT_GT(hits.Of(1), 0u);
  EXPECT_EQ(hits.Of(100), 0u) << "found once, long ago";
}

TEST(HitCountsTest, WhatIsNoLongerFoundFades) {
  HitCounts hits(4);
  for (int i = 0; i < 6; ++i) hits.Add({1});
  for (int i = 0; i < 200; ++i) hits.Add({2});
  EXPECT_EQ(hits.Of(1), 0u);
  EXPECT_GT(hits.Of(2), 0u);
}

TEST(HitCountsTest, TheMostUsefulPartComesFirstAndAmongEqualsTheNewest) {
  HitCounts hits;
  hits.Add({3, 1});
  hits.Add({1});
  std::vector<std::pair<int, uint64_t>> parts = {{0, 5}, {1, 4}, {0, 3}, {0, 2}, {1, 1}};
  SortByUse(hits, parts);
  EXPECT_THAT(parts, ElementsAre(Pair(1, 1), Pair(0, 3), Pair(0, 5), Pair(1, 4), Pair(0, 2)));
}

}  // namespace
}  // namespace mixmatch::server
