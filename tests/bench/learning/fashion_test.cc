#include "tests/bench/learning/fashion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/bench/learning/fabricated.h"

namespace mixmatch::bench {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

// Ten classes, each with its name, three pictures to learn from and two to ask about.
class FashionTest : public ::testing::Test {
 protected:
  FashionTest() {
    for (int label = 0; label < 10; ++label) {
      const std::string number = std::to_string(label);
      made_.Add("class" + number, "text", label,
                {{"corpus", "fashion"}, {"kind", "name"}, {"class", number}, {"split", "train"}});
      for (int i = 0; i < 5; ++i) {
        made_.Add("picture" + number + std::to_string(i), "image", label,
                  {{"corpus", "fashion"}, {"kind", "picture"}, {"class", number}, {"split", i < 3 ? "train" : "test"}});
      }
    }
  }

  Fabricated made_;
};

TEST_F(FashionTest, ClassesArriveInFiveStagesOfTwo) {
  const auto stages = FashionStages(made_.corpus);
  ASSERT_THAT(stages, SizeIs(5));
  EXPECT_THAT(stages[0], ElementsAre("0", "1"));
  EXPECT_THAT(stages[4], ElementsAre("8", "9"));
}

TEST_F(FashionTest, AnEventIsAPictureToLearnFromWithTheNameOfItsOwnClass) {
  const Events events = FashionEvents(made_.corpus, {"3", "4"});
  EXPECT_THAT(events, SizeIs(6));
  for (const auto& event : events) {
    ASSERT_THAT(event, SizeIs(2));
    EXPECT_EQ(made_.corpus.SourceOf(event[0])["class"], made_.corpus.SourceOf(event[1])["class"]);
    for (PartId part : event) EXPECT_EQ(made_.corpus.SourceOf(part)["split"], "train");
  }
}

TEST_F(FashionTest, PicturesOfAClassAreRightForItsNameAmongThoseOfAllSoFar) {
  const Question question = PictureToClass(made_.corpus, {"2", "3"}, {"0", "1", "2", "3"});
  EXPECT_THAT(question.queries, SizeIs(4));
  EXPECT_THAT(question.candidates, SizeIs(4));
  for (PartId part : question.queries) EXPECT_EQ(made_.corpus.SourceOf(part)["split"], "test");
  EXPECT_EQ(Ask(made_.corpus, question, Space::OfTrunk(&made_.corpus))->r1, 1.0);
}

TEST_F(FashionTest, AccuracyIsAmongAllTenClasses) {
  Results results;
  ASSERT_TRUE(AskFashion({&made_.corpus, &results, Input::kJoined, 1, "_t"}, Space::OfTrunk(&made_.corpus)).ok());
  const auto document = nlohmann::json::parse(results.Json());
  EXPECT_EQ(document["figures"][0]["name"], "fashion_image_to_class_accuracy_t");
  EXPECT_EQ(document["figures"][0]["value"], 1.0);
  EXPECT_EQ(document["directions"][0]["candidates"], 10);
  EXPECT_EQ(document["directions"][0]["queries"], 20);
}

}  // namespace
}  // namespace mixmatch::bench
