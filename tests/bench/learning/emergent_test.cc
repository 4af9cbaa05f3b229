#include "tests/bench/learning/emergent.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/bench/learning/fabricated.h"

namespace mixmatch::bench {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

// Three emoji; stamps of a frog and two pigs with sound effects, and one whose effect no emoji shows.
class EmergentTest : public ::testing::Test {
 protected:
  EmergentTest() {
    int axis = 0;
    for (const char* concept_ : {"frog", "pig", "moon"}) {
      const std::string event = std::string("emoji:") + concept_;
      const auto add = [&](const char* modality, std::map<std::string, std::string> metadata) {
        metadata["corpus"] = "emoji";
        metadata["concept"] = concept_;
        made_.Add(event, modality, axis, metadata);
      };
      for (const char* style : {"google", "openmoji", "fluent", "twitter"}) {
        add("image", {{"kind", "picture"}, {"style", style}});
      }
      add("text", {{"kind", "name"}, {"lang", "en"}});
      add("text", {{"kind", "tags"}, {"lang", "en"}});
      add("audio", {{"kind", "speech"}});
      ++axis;
    }
    for (const auto& [stamp, concept_] : std::map<std::string, std::string>{
             {"frog", "frog"}, {"pig", "pig"}, {"pig_golden", "pig"}, {"bell", ""}}) {
      const std::string event = "tuxpaint:" + stamp;
      std::map<std::string, std::string> effect = {{"corpus", "tuxpaint"}, {"kind", "effect"}};
      if (!concept_.empty()) effect["concept"] = concept_;
      made_.Add(event, "image", 3, {{"corpus", "tuxpaint"}, {"kind", "picture"}});
      made_.Add(event, "audio", concept_ == "frog" ? 0 : 1, effect);
      made_.Add(event, "text", 3, {{"corpus", "tuxpaint"}, {"kind", "caption"}, {"lang", "en"}});
      made_.Add(event, "text", 3, {{"corpus", "tuxpaint"}, {"kind", "caption"}, {"lang", "fr"}});
      made_.Add(event, "audio", 3, {{"corpus", "tuxpaint"}, {"kind", "speech"}, {"lang", "en"}});
    }
  }

  std::set<std::string> ModalitiesOf(const std::vector<PartId>& event) {
    std::set<std::string> modalities;
    for (PartId part : event) modalities.insert(made_.corpus.SourceOf(part).modality);
    return modalities;
  }

  Fabricated made_;
};

TEST_F(EmergentTest, NoLearnedEventHasBothSoundAndDrawing) {
  EXPECT_THAT(SoundConcepts(made_.corpus), ElementsAre("frog", "pig"));
  const Events drawn = DrawnAndNamed(made_.corpus), heard = HeardAndNamed(made_.corpus);
  EXPECT_THAT(drawn, ElementsAre(SizeIs(5), SizeIs(5), SizeIs(5)));
  EXPECT_THAT(heard, SizeIs(4));
  for (const auto& event : drawn) EXPECT_EQ(ModalitiesOf(event), (std::set<std::string>{"image", "text"}));
  for (const auto& event : heard) EXPECT_EQ(ModalitiesOf(event), (std::set<std::string>{"audio", "text"}));
}

TEST_F(EmergentTest, TheDrawingsThatAreAskedAboutAreOfAStyleThatIsNotLearned) {
  const Question question = SoundToEmoji(made_.corpus, {"frog", "pig"}, {});
  EXPECT_THAT(question.queries, SizeIs(3));
  EXPECT_THAT(question.candidates, SizeIs(3));
  for (PartId part : question.candidates) EXPECT_EQ(made_.corpus.SourceOf(part)["style"], "twitter");
  EXPECT_THAT(SoundToEmoji(made_.corpus, {"frog", "pig"}, {"frog", "pig"}).candidates, SizeIs(2));
}

TEST_F(EmergentTest, AnyStampOfAThingIsRightForItsEmoji) {
  const Question question = SoundToEmoji(made_.corpus, {"frog", "pig"}, {});
  const auto recall = Ask(made_.corpus, question, Space::OfTrunk(&made_.corpus));
  ASSERT_TRUE(recall.ok());
  EXPECT_EQ(recall->queries, 3);
  EXPECT_EQ(recall->r1, 1.0);
  EXPECT_NEAR(recall->chance_r1, 1 / 3.0, 1e-12);
}

TEST_F(EmergentTest, PairsOfOtherConceptsHoldNothingOfTheOneThatIsAskedAbout) {
  const Events pairs = HeardAndDrawn(made_.corpus, {"frog"});
  ASSERT_THAT(pairs, ElementsAre(SizeIs(4)));
  for (PartId part : pairs[0]) EXPECT_EQ(made_.corpus.SourceOf(part)["concept"], "frog");
  EXPECT_EQ(ModalitiesOf(pairs[0]), (std::set<std::string>{"audio", "image"}));
}

}  // namespace
}  // namespace mixmatch::bench
