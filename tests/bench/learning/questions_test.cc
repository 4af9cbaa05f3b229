#include "tests/bench/learning/questions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace mixmatch::bench {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Three emoji in two categories, drawn in four styles, and two captions in one language.
class QuestionsTest : public ::testing::Test {
 protected:
  QuestionsTest() {
    for (const char* concept_ : {"a", "b", "c"}) {
      const std::string category = concept_[0] == 'c' ? "1" : "0";
      for (const char* style : {"google", "openmoji", "fluent", "twitter"}) {
        Add("emoji", concept_, "image", "picture",
            {{"style", style}, {"category", category}, {"split", style[0] == 't' ? "test" : "train"}});
      }
      for (const char* kind : {"name", "tags"}) {
        Add("emoji", concept_, "text", kind, {{"category", category}, {"split", "train"}, {"lang", "en"}});
      }
      Add("emoji", concept_, "text", "name", {{"category", category}, {"split", "train"}, {"lang", "fr"}});
      for (const char* split : {"train", "test"}) {
        Add("emoji", concept_, "audio", "speech", {{"category", category}, {"split", split}, {"lang", "en"}});
      }
    }
    for (const char* caption : {"x", "y"}) {
      Add("speech", caption, "text", "caption", {{"lang", "fr"}, {"pool", "candidate"}, {"split", "train"}});
      for (const std::string voice : {"m", "human", "flite_slt", "f3"}) {
        const std::string split = voice == "m" ? "train" : "test";
        Add("speech", caption, "audio", "speech",
            {{"lang", "fr"}, {"pool", "candidate"}, {"split", split}, {"voice", voice}});
      }
    }
    Add("speech", "z", "text", "caption", {{"lang", "fr"}, {"pool", "more"}, {"split", "train"}});
  }

  void Add(const std::string& corpus, const std::string& event, const std::string& modality, const std::string& kind,
           std::map<std::string, std::string> metadata) {
    metadata["corpus"] = corpus;
    metadata["kind"] = kind;
    Source source{std::to_string(corpus_.sources.size()), corpus + event, modality,
                  "bytes" + std::to_string(corpus_.sources.size()), "ingest", metadata};
    Part part;
    part.slot = modality == "text" ? 0 : modality == "image" ? 1 : 2;
    part.source = static_cast<int>(corpus_.sources.size());
    // The trunk's output tells concepts apart.
    part.trunk = {0, 0, 0, 0};
    part.trunk[event[0] % 4] = 1;
    corpus_.sources.push_back(source);
    corpus_.parts.push_back(part);
  }

  Question Of(const std::vector<Question>& questions, const std::string& name) {
    return *std::find_if(questions.begin(), questions.end(), [&](const Question& q) { return q.name == name; });
  }

  Corpus corpus_;
};

TEST_F(QuestionsTest, NothingThatIsAskedAboutIsLearned) {
  for (const EmojiSplit& split : {UnseenTwitter(), UnseenTwitterAllLanguages(), UnseenFluent()}) {
    std::set<PartId> learned;
    for (const auto& event : EmojiEvents(corpus_, split)) learned.insert(event.begin(), event.end());
    EXPECT_EQ(learned.size(), 3 * (split.all_languages ? 7 : 6));  // Three drawings, texts and one voice of each concept.
    for (const Question& question : EmojiQuestions(corpus_, split)) {
      for (PartId query : question.queries) {
        const bool name = corpus_.SourceOf(query)["kind"] == "name";
        EXPECT_EQ(learned.count(query) == 1, name) << question.name;
      }
    }
  }
  for (const auto& event : SpeechEvents(corpus_)) {
    for (PartId part : event) EXPECT_EQ(corpus_.SourceOf(part)["split"], "train");
  }
}

TEST_F(QuestionsTest, NamesInOtherLanguagesAreAQuestionOfTheirOwn) {
  const std::vector<Question> questions = EmojiQuestions(corpus_, UnseenTwitterAllLanguages());
  for (const Question& question : questions) {
    for (PartId part : question.queries) {
      const Source& source = corpus_.SourceOf(part);
      if (source["kind"] != "name") continue;
      EXPECT_EQ(source["lang"], question.name == "foreign_text_to_image" ? "fr" : "en");
    }
  }
  EXPECT_THAT(Of(questions, "image_to_text").candidates, SizeIs(3));
  EXPECT_THAT(Of(questions, "foreign_text_to_image").queries, SizeIs(3));
}

TEST_F(QuestionsTest, TheUnseenStyleIsTheOneThatIsAskedAbout) {
  for (PartId part : Of(EmojiQuestions(corpus_, UnseenFluent()), "image_to_text").queries) {
    EXPECT_EQ(corpus_.SourceOf(part)["style"], "fluent");
  }
}

TEST_F(QuestionsTest, NoEventPairsSpeechWithPicturesOnceTheyAreTakenApart) {
  const auto halves = WithoutSpeechImagePairs(corpus_, EmojiEvents(corpus_, UnseenTwitter()));
  EXPECT_THAT(halves, SizeIs(6));
  for (const auto& half : halves) {
    std::set<std::string> modalities;
    for (PartId part : half) modalities.insert(corpus_.SourceOf(part).modality);
    EXPECT_THAT(modalities, SizeIs(2));
    EXPECT_EQ(modalities.count("text"), 1);
  }
}

TEST_F(QuestionsTest, AStageAsksAboutItsOwnCategoryOnly) {
  EXPECT_THAT(EmojiCategories(corpus_), ElementsAre("0", "1"));
  const Question all = Of(EmojiQuestions(corpus_, UnseenTwitter()), "image_to_text");
  EXPECT_THAT(OfCategories(corpus_, all, {"0"}).queries, SizeIs(2));
  EXPECT_THAT(OfCategories(corpus_, all, {"0"}).candidates, SizeIs(2));
  EXPECT_THAT(OfCategories(corpus_, all, {"2"}).queries, IsEmpty());
}

TEST_F(QuestionsTest, SpeechIsLookedForAmongTheCandidateCaptionsOfItsLanguageByRung) {
  const auto rungs = SpeechQuestions(corpus_);
  EXPECT_THAT(rungs, SizeIs(3));
  ASSERT_THAT(rungs.at("human"), SizeIs(1));
  EXPECT_THAT(rungs.at("human")[0].queries, SizeIs(2));
  EXPECT_THAT(rungs.at("human")[0].candidates, SizeIs(2));
}

TEST_F(QuestionsTest, ASpaceThatTellsConceptsApartAnswersEverything) {
  const Space trunk = Space::OfTrunk(&corpus_);
  for (const Question& question : EmojiQuestions(corpus_, UnseenTwitter())) {
    const auto recall = Ask(corpus_, question, trunk);
    ASSERT_TRUE(recall.ok()) << recall.status();
    EXPECT_EQ(recall->queries, 3) << question.name;
    EXPECT_EQ(recall->r1, 1.0) << question.name;
  }
}

TEST_F(QuestionsTest, AFileIsFoundByItsBestPartAndCountsOnce) {
  Question question = Of(EmojiQuestions(corpus_, UnseenTwitter()), "text_to_image");
  // The first candidate's file has a second part; one query of a file with two parts.
  corpus_.parts.push_back(corpus_.parts[question.candidates[0]]);
  question.candidates.push_back(static_cast<PartId>(corpus_.parts.size()) - 1);
  corpus_.parts.push_back(corpus_.parts[question.queries[0]]);
  question.queries = {question.queries[0], static_cast<PartId>(corpus_.parts.size()) - 1};
  const Vectors queries{2, {0, 1, 1, 0}}, candidates{2, {0, 0, 0, 0.5f, 0, 0.5f, 0.9f, 0}};
  const auto recall = Ask(corpus_, question, queries, candidates);
  EXPECT_EQ(recall->queries, 1);
  EXPECT_EQ(recall->candidates, 3);
  EXPECT_EQ(recall->r1, 1.0);
  EXPECT_NEAR(recall->chance_r1, 1 / 3.0, 1e-12);
}

TEST_F(QuestionsTest, AMetadatumDecidesWhatIsRightWhereTheQuestionSaysSo) {
  Question question = Of(EmojiQuestions(corpus_, UnseenTwitter()), "text_to_image");
  question.by = "category";  // That of a and b is 0.
  const Vectors queries{2, {1, 0, 1, 0, 1, 0}}, candidates{2, {0, 1, 1, 0, 0, 1}};
  EXPECT_EQ(AskRanks(corpus_, question, queries, candidates), (std::vector<int>{1, 1, 3}));
}

TEST_F(QuestionsTest, DrawingsOfEqualBytesAnswerForEachOther) {
  const Question question = Of(EmojiQuestions(corpus_, UnseenTwitter()), "text_to_image");
  for (PartId candidate : question.candidates) corpus_.sources[corpus_.parts[candidate].source].content_key = "same";
  Vectors queries{2, {1, 0, 1, 0, 1, 0}}, candidates{2, {0, 1, 1, 0, 0, 1}};
  EXPECT_EQ(Ask(corpus_, question, queries, candidates)->r1, 1.0);
}

}  // namespace
}  // namespace mixmatch::bench
