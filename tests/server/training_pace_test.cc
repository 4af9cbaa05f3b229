#include "server/training_pace.h"

#include <gtest/gtest.h>

namespace mixmatch::server {
namespace {

constexpr absl::Duration kStep = absl::Milliseconds(300);

TEST(TrainingPaceTest, WithoutSearchesThereIsNoRest) {
  SearchActivity searches;
  TrainingPace pace(0.25, searches);
  EXPECT_EQ(pace.RestAfter(kStep), absl::ZeroDuration());
}

TEST(TrainingPaceTest, WhileASearchIsUnderWayTheRestKeepsTheDuty) {
  SearchActivity searches;
  TrainingPace pace(0.25, searches);
  const SearchActivity::Call call(searches);
  EXPECT_EQ(pace.RestAfter(kStep), 3 * kStep);
  EXPECT_EQ(pace.RestAfter(kStep), 3 * kStep) << "still the same search";
}

TEST(TrainingPaceTest, ASearchThatCameAndWentIsRestedForOnce) {
  SearchActivity searches;
  TrainingPace pace(0.5, searches);
  { const SearchActivity::Call call(searches); }
  EXPECT_EQ(pace.RestAfter(kStep), kStep);
  EXPECT_EQ(pace.RestAfter(kStep), absl::ZeroDuration());
}

TEST(TrainingPaceTest, ARestIsBoundedAndAWholeDutyHasNone) {
  SearchActivity searches;
  const SearchActivity::Call call(searches);
  EXPECT_EQ(TrainingPace(0.01, searches).RestAfter(absl::Minutes(1)), TrainingPace::kMostRest);
  EXPECT_EQ(TrainingPace(1.0, searches).RestAfter(kStep), absl::ZeroDuration());
}

}  // namespace
}  // namespace mixmatch::server
