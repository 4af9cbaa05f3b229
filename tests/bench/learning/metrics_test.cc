#include "tests/bench/learning/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace mixmatch::bench {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::FloatEq;

TEST(MetricsTest, ScoresEveryPairByInnerProductForAnyLength) {
  Vectors queries{3, {1, 2, 3, 0, 1, 0}}, candidates{3, {1, 0, 0, 0, 1, 1}};
  EXPECT_THAT(Scores(queries, candidates), ElementsAre(1, 5, 0, 1));
  Vectors wide;
  wide.dim = 70;
  wide.values.assign(70, 0.5f);
  EXPECT_THAT(Scores(wide, wide), ElementsAre(FloatEq(17.5f)));
}

TEST(MetricsTest, ATieCountsAgainstTheRightAnswer) {
  EXPECT_THAT(Ranks({0.5f, 0.5f, 0.1f}, {7}, {1, 7, 2}), ElementsAre(2));
  EXPECT_THAT(Ranks({0.5f, 0.6f, 0.1f}, {7}, {1, 7, 2}), ElementsAre(1));
}

TEST(MetricsTest, TheBestOfSeveralRightAnswersCounts) {
  EXPECT_THAT(Ranks({0.9f, 0.8f, 0.1f}, {7}, {1, 7, 7}), ElementsAre(2));
}

TEST(MetricsTest, AScoreThatIsNotANumberNeverHelps) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(Ranks({nan, 0.5f}, {7}, {1, 7}), ElementsAre(2));
}

TEST(MetricsTest, QueriesWithoutARightAnswerAreNotCounted) {
  const auto ranks = Ranks({0.9f, 0.8f, 0.9f, 0.8f}, {7, 1}, {1, 2});
  EXPECT_THAT(ranks, ElementsAre(0, 1));
  EXPECT_EQ(RecallOf(ranks, 2).queries, 1);
}

TEST(MetricsTest, RecallCountsRanksWithinK) {
  const Recall recall = RecallOf({1, 5, 6, 11}, 100);
  EXPECT_DOUBLE_EQ(recall.r1, 0.25);
  EXPECT_DOUBLE_EQ(recall.r5, 0.5);
  EXPECT_DOUBLE_EQ(recall.r10, 0.75);
  EXPECT_DOUBLE_EQ(recall.median_rank, 5.5);
  EXPECT_EQ(recall.candidates, 100);
  EXPECT_EQ(RecallOf({}, 5).queries, 0);
}

TEST(MetricsTest, TheBestPartsOfTwoItemsScoreForThem) {
  // Parts of queries: items 0, 1, 0. Parts of candidates: items 0, 0, 1.
  EXPECT_THAT(BestOfItems({0.1f, 0.2f, 0.3f, 0.9f, 0.1f, 0.0f, 0.5f, 0.0f, 0.1f}, {0, 1, 0}, {0, 0, 1}),
              ElementsAre(0.5f, 0.3f, 0.9f, 0.0f));
}

TEST(MetricsTest, APartThatIsNotANumberSpoilsItsItem) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(std::isnan(BestOfItems({nan, 0.5f}, {0}, {0, 0})[0]));
  EXPECT_TRUE(std::isnan(BestOfItems({0.5f, nan}, {0}, {0, 0})[0]));
}

TEST(MetricsTest, ChanceIsThatOfBlindDrawsAmongQueriesWithARightAnswer) {
  EXPECT_DOUBLE_EQ(Chance({7}, {7, 1, 2, 3}, 1), 0.25);
  EXPECT_DOUBLE_EQ(Chance({7}, {7, 7, 2, 3}, 2), 1 - 0.5 * (1 / 3.0));
  EXPECT_DOUBLE_EQ(Chance({7, 9}, {7, 1, 2, 3}, 10), 1.0);  // None is right for 9; there are fewer than ten.
  EXPECT_EQ(Chance({9}, {7}, 1), 0.0);
}

TEST(MetricsTest, AurocIsTheShareOfPairsInOrderAndATieHalfAPair) {
  EXPECT_DOUBLE_EQ(Auroc({0.9f, 0.4f}, {0.1f, 0.4f, 0.5f, 0.8f}), (4 + 1.5) / 8);
  EXPECT_DOUBLE_EQ(Auroc({1, 1}, {1, 1, 1}), 0.5);
  EXPECT_DOUBLE_EQ(Auroc({}, {1}), 0.5);
  EXPECT_DOUBLE_EQ(Auroc({std::numeric_limits<float>::quiet_NaN()}, {-1}), 0.0);
}

TEST(MetricsTest, TheMeanIsOverRuns) {
  const std::vector<Recall> runs = {{4, 9, 0.0, 0.5, 1.0, 3.0}, {4, 9, 1.0, 1.0, 1.0, 1.0}};
  const Recall mean = MeanOf(runs);
  EXPECT_DOUBLE_EQ(mean.r1, 0.5);
  EXPECT_DOUBLE_EQ(mean.r5, 0.75);
  EXPECT_DOUBLE_EQ(mean.median_rank, 2.0);
  EXPECT_EQ(mean.candidates, 9);
}

TEST(MetricsTest, EqualBytesMakeTwoConceptsOneThroughAnyChain) {
  const auto groups = Groups({"a", "b", "c", "d", "a"}, {"x", "x", "y", "", "y"});
  EXPECT_EQ(groups[0], groups[1]);  // By x.
  EXPECT_EQ(groups[0], groups[4]);  // By a.
  EXPECT_EQ(groups[0], groups[2]);  // By a, then y.
  EXPECT_NE(groups[0], groups[3]);
}

TEST(MetricsTest, ForgettingIsTheLossFromTheBestEverAndBackwardTransferFromTheFirst) {
  // Stage 0: .5, then .9, then .7. Stage 1: .6, then .8.
  const StreamSummary summary = SummarizeStream({{0.5}, {0.9, 0.6}, {0.7, 0.8, 1.0}});
  EXPECT_THAT(summary.forgetting, DoubleNear(0.1, 1e-12));         // (.2 + 0) / 2
  EXPECT_THAT(summary.backward_transfer, DoubleNear(0.2, 1e-12));  // (.2 + .2) / 2
  EXPECT_THAT(summary.final_mean, DoubleNear(2.5 / 3, 1e-12));
}

TEST(MetricsTest, OneStageForgetsNothing) {
  EXPECT_EQ(SummarizeStream({{0.5}}).forgetting, 0.0);
  EXPECT_EQ(SummarizeStream({}).final_mean, 0.0);
}

}  // namespace
}  // namespace mixmatch::bench
