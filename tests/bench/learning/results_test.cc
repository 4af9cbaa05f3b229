#include "tests/bench/learning/results.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

namespace mixmatch::bench {
namespace {

using ::testing::HasSubstr;

TEST(ResultsTest, AFigureIsTheMeanOfItsRunsWithTheLeastAndTheMost) {
  Results results;
  for (double value : {0.5, 0.25, 0.75}) results.AddFigure("recall", value, "share");
  const auto figure = nlohmann::json::parse(results.Json())["figures"][0];
  EXPECT_EQ(figure["value"], 0.5);
  EXPECT_EQ(figure["min"], 0.25);
  EXPECT_EQ(figure["max"], 0.75);
  EXPECT_EQ(figure["runs"].size(), 3);
}

TEST(ResultsTest, ADirectionKeepsTheSpreadOfItsRuns) {
  Results results;
  for (double value : {0.2, 0.4}) {
    Recall recall;
    recall.r10 = value;
    results.AddRecall("emoji", "image_to_text", recall);
  }
  const auto direction = nlohmann::json::parse(results.Json())["directions"][0];
  EXPECT_EQ(direction["r10_min"], 0.2);
  EXPECT_EQ(direction["r10_max"], 0.4);
  EXPECT_THAT(results.Table(), HasSubstr("0.200-0.400"));
}

TEST(ResultsTest, AValueThatIsNotANumberIsNull) {
  Results results;
  results.AddFigure("ratio", std::numeric_limits<double>::quiet_NaN(), "ratio");
  EXPECT_TRUE(nlohmann::json::parse(results.Json())["figures"][0]["value"].is_null());
}

TEST(ResultsTest, TimesOfOnePartAddUp) {
  Results results;
  results.AddSeconds("stream", 1.5);
  results.AddSeconds("stream", 2.0);
  EXPECT_EQ(nlohmann::json::parse(results.Json())["cpu_seconds"]["stream"], 3.5);
}

}  // namespace
}  // namespace mixmatch::bench
