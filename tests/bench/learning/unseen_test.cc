#include "tests/bench/learning/unseen.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "tests/bench/learning/fabricated.h"

namespace mixmatch::bench {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::SizeIs;

// Ten emoji; what is learned of the eighth (the held-out one) points elsewhere than what is asked about it.
class UnseenTest : public ::testing::Test {
 protected:
  UnseenTest() {
    for (int i = 0; i < 10; ++i) {
      const std::string event = "emoji" + std::to_string(i);
      const auto add = [&](const char* modality, std::map<std::string, std::string> metadata, int axis) {
        metadata["corpus"] = "emoji";
        made_.Add(event, modality, axis, metadata);
      };
      for (const char* style : {"google", "openmoji", "fluent", "twitter"}) {
        add("image", {{"kind", "picture"}, {"style", style}, {"split", style[0] == 't' ? "test" : "train"}}, i);
      }
      for (const char* kind : {"name", "tags"}) add("text", {{"kind", kind}, {"lang", "en"}, {"split", "train"}}, i);
      for (const char* split : {"train", "test"}) add("audio", {{"kind", "speech"}, {"lang", "en"}, {"split", split}}, i);
    }
  }

  Fabricated made_;
};

TEST_F(UnseenTest, ATenthOfTheConceptsIsHeldOutWhole) {
  const HeldOut held_out = HoldOutTenth(EmojiEvents(made_.corpus, UnseenTwitter()));
  ASSERT_THAT(held_out.unseen, SizeIs(1));
  EXPECT_THAT(held_out.learned, SizeIs(9));
  const std::string& name = made_.corpus.SourceOf(held_out.unseen[0][0]).event;
  for (const auto& event : held_out.learned) {
    for (PartId part : event) EXPECT_NE(made_.corpus.SourceOf(part).event, name);
  }
}

TEST_F(UnseenTest, NoveltyIsTheDistanceFromTheNearestOfWhatWasLearned) {
  const Vectors parts{2, {1, 0, 0, 1}}, learned{2, {0.6f, 0.8f, -1, 0}};
  EXPECT_THAT(Novelty(parts, learned), ElementsAre(FloatNear(0.4f, 1e-6f), FloatNear(0.2f, 1e-6f)));
  EXPECT_THAT(Novelty(parts, Vectors()), ElementsAre(1.0f, 1.0f));
}

TEST_F(UnseenTest, ASpaceThatTellsConceptsApartKnowsNewOnesAndWhatBelongsTogether) {
  Results results;
  const HeldOut held_out = HoldOutTenth(EmojiEvents(made_.corpus, UnseenTwitter()));
  ASSERT_TRUE(
      MeasureNovelty({&made_.corpus, &results, Input::kJoined, 1, ""}, held_out, Space::OfTrunk(&made_.corpus)).ok());
  std::map<std::string, double> figures;
  const auto document = nlohmann::json::parse(results.Json());
  for (const auto& figure : document["figures"]) figures[figure["name"]] = figure["value"];
  for (const char* name : {"novelty_auroc", "novelty_auroc_image", "novelty_auroc_speech", "pairing_auroc",
                           "pairing_auroc_image_text", "pairing_auroc_speech_text", "pairing_auroc_speech_image"}) {
    EXPECT_EQ(figures.at(name), 1.0) << name;
  }
}

TEST_F(UnseenTest, ADrawingThatAKnownConceptHasTooIsNotNew) {
  std::string known;
  for (Source& source : made_.corpus.sources) {
    if (source["style"] != "twitter") continue;
    if (source.event == "emoji0") known = source.content_key;
    if (source.event == "emoji7") source.content_key = known;
  }
  Results results;
  const HeldOut held_out = HoldOutTenth(EmojiEvents(made_.corpus, UnseenTwitter()));
  ASSERT_TRUE(
      MeasureNovelty({&made_.corpus, &results, Input::kJoined, 1, ""}, held_out, Space::OfTrunk(&made_.corpus)).ok());
  const auto document = nlohmann::json::parse(results.Json());
  EXPECT_EQ(document["figures"][0]["name"], "novelty_auroc_image");
  EXPECT_EQ(document["figures"][0]["value"], 0.5);  // No new drawing is left.
}

TEST_F(UnseenTest, PairsOfEqualBytesBelongTogether) {
  Question question{"image_to_text", {3}, {4}, ""};  // A drawing and the name of one concept.
  Vectors one{2, {1, 0}};
  EXPECT_THAT(PairingsOf(made_.corpus, question, one, one).matched, SizeIs(1));
  question.candidates = {12};  // The name of another.
  EXPECT_THAT(PairingsOf(made_.corpus, question, one, one).mismatched, SizeIs(1));
  made_.corpus.sources[12].content_key = made_.corpus.sources[3].content_key;
  EXPECT_THAT(PairingsOf(made_.corpus, question, one, one).matched, SizeIs(1));
}

}  // namespace
}  // namespace mixmatch::bench
