#include "tests/bench/learning/folds.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/bench/learning/fabricated.h"

namespace mixmatch::bench {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

// A stamp and a unit in each of two folds. Both units' clips have the same sound; that of fold 0 was made silent.
class FoldsTest : public ::testing::Test {
 protected:
  FoldsTest() {
    for (int fold = 0; fold < 2; ++fold) {
      const std::string number = std::to_string(fold), stamp = "stamp" + number, unit = "unit" + number;
      const auto add = [&](const std::string& corpus, const std::string& event, const char* kind, const char* modality,
                           const char* role = "ingest") {
        const int axis = 4 * (corpus == "wesnoth") + fold;
        made_.Add(event, modality, axis, {{"corpus", corpus}, {"kind", kind}, {"fold", number}, {"take", "bow.ogg"}},
                  role);
      };
      add("tuxpaint", stamp, "picture", "image");
      add("tuxpaint", stamp, "caption", "text");
      add("tuxpaint", stamp, "speech", "audio");
      add("tuxpaint", stamp, "effect", "audio");
      add("wesnoth", unit, "portrait", "image");
      add("wesnoth", unit, "sprite", "image");
      add("wesnoth", unit, "description", "text");
      add("wesnoth", unit, "clip", "video");
      if (fold == 1) made_.AddPart("audio", 5);
      add("wesnoth", unit, "track", "audio", "query_only");
    }
  }

  Question Of(const std::string& fold, const std::string& name) {
    const auto questions = FoldQuestions(made_.corpus, fold);
    return *std::find_if(questions.begin(), questions.end(), [&](const Question& q) { return q.name == name; });
  }

  Fabricated made_;
};

TEST_F(FoldsTest, NothingOfAFoldIsLearnedWhenItIsAskedAboutNorAnythingThatIsNeverUploaded) {
  EXPECT_THAT(FoldsOf(made_.corpus), ElementsAre("0", "1"));
  for (const char* fold : {"0", "1"}) {
    const FoldEvents events = EventsOutside(made_.corpus, fold);
    EXPECT_THAT(events.declared, SizeIs(2));
    for (const Events& some : {events.declared, events.clips}) {
      for (const auto& event : some) {
        for (PartId part : event) {
          EXPECT_NE(made_.corpus.SourceOf(part)["fold"], fold);
          EXPECT_NE(made_.corpus.SourceOf(part)["kind"], "track");
        }
      }
    }
  }
}

TEST_F(FoldsTest, AClipWithItsSoundIsAnEventOfItsOwnAndASilentOneIsNot) {
  EXPECT_THAT(EventsOutside(made_.corpus, "0").clips, ElementsAre(SizeIs(2)));
  EXPECT_THAT(EventsOutside(made_.corpus, "1").clips, SizeIs(0));
}

TEST_F(FoldsTest, QueriesAndCandidatesAreOfTheFoldAndOfTheirModality) {
  const std::map<std::string, int> slots = {{"text", 0}, {"image", 1}, {"speech", 2}, {"effect", 2},
                                            {"sound", 2}, {"video", 3}, {"portrait", 1}, {"sprite", 1}};
  const auto questions = FoldQuestions(made_.corpus, "1");
  EXPECT_THAT(questions, SizeIs(12 + 6 + 2 + 2));
  for (const Question& question : questions) {
    const size_t middle = question.name.find("_to_"), begin = question.name.find('_') + 1;
    const std::string from = question.name.substr(begin, middle - begin), to = question.name.substr(middle + 4);
    EXPECT_FALSE(question.queries.empty()) << question.name;
    for (PartId part : question.queries) EXPECT_EQ(made_.corpus.parts[part].slot, slots.at(from)) << question.name;
    for (PartId part : question.candidates) EXPECT_EQ(made_.corpus.parts[part].slot, slots.at(to)) << question.name;
    for (PartId part : question.candidates) EXPECT_EQ(made_.corpus.SourceOf(part)["fold"], "1");
  }
}

TEST_F(FoldsTest, EveryClipWithTheSoundIsRightForItWhicheverUnitItIs) {
  Question question = Of("1", "units_sound_to_video");
  const Question other = Of("0", "units_sound_to_video");
  question.candidates = other.candidates;  // A clip of another unit.
  EXPECT_EQ(Ask(made_.corpus, question, Space::OfTrunk(&made_.corpus))->queries, 1);
  question.by = "";
  EXPECT_EQ(Ask(made_.corpus, question, Space::OfTrunk(&made_.corpus))->queries, 0);
}

TEST_F(FoldsTest, TheFigureIsTheMeanOverFoldsAndItsQueriesThoseOfAll) {
  Results results;
  const Trial trial{&made_.corpus, &results, Input::kJoined, 1, "_fixed"};
  const Space trunk = Space::OfTrunk(&made_.corpus);
  ASSERT_TRUE(MeasureFolds(trial, 5, &trunk).ok());
  EXPECT_THAT(results.Json(), ::testing::HasSubstr("\"stamps_speech_to_image_r1_fixed\""));
  EXPECT_THAT(results.Json(), ::testing::HasSubstr("\"queries\": 2"));
}

}  // namespace
}  // namespace mixmatch::bench
