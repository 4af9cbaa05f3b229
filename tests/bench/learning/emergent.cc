#include "tests/bench/learning/emergent.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "proto/base/status_macros.h"

namespace mixmatch::bench {
namespace {

constexpr size_t kGroups = 5;  // Of concepts, whose pairs are left out in turn.

bool Contains(const std::vector<std::string>& list, const std::string& entry) {
  return std::find(list.begin(), list.end(), entry) != list.end();
}

bool IsEffect(const Source& source) { return source["corpus"] == "tuxpaint" && source["kind"] == "effect"; }

bool IsLearnedDrawing(const Source& source) {
  return source["corpus"] == "emoji" && source["kind"] == "picture" &&
         Contains(UnseenTwitter().learned_styles, source["style"]);
}

void AddAnswers(const Trial& trial, const std::string& variant, const Recall& few, const Recall& all) {
  const std::string name = "sound_to_emoji", column = "emergent link" + variant + trial.suffix;
  trial.results->AddRecall(column, name, few);
  trial.results->AddRecall(column, name + "_of_all", all);
  for (const auto& [among, recall] : {std::make_pair("", few), std::make_pair("_of_all", all)}) {
    trial.results->AddFigure(name + among + "_r1" + variant + trial.suffix, recall.r1, "share");
    trial.results->AddFigure(name + among + "_r10" + variant + trial.suffix, recall.r10, "share");
  }
}

// Among the drawings of the concepts.
absl::StatusOr<Recall> Answer(const Trial& trial, const Space& space, const std::string& variant) {
  const std::vector<std::string> concepts = SoundConcepts(*trial.corpus);
  MIXMATCH_ASSIGN_OR_RETURN(const Recall few,
                            Ask(*trial.corpus, SoundToEmoji(*trial.corpus, concepts, concepts), space));
  MIXMATCH_ASSIGN_OR_RETURN(const Recall all, Ask(*trial.corpus, SoundToEmoji(*trial.corpus, concepts, {}), space));
  AddAnswers(trial, variant, few, all);
  return few;
}

// Each group of concepts is asked about when the pairs of the others were learned on top of what emerges. `learned` is
// left as it was.
absl::Status AnswerFromOtherPairs(const Trial& trial, HeadLearner* learned) {
  const Corpus& corpus = *trial.corpus;
  const std::vector<std::string> concepts = SoundConcepts(corpus);
  MIXMATCH_ASSIGN_OR_RETURN(const std::string state, learned->Save());
  std::vector<int> few, all;
  for (size_t group = 0; group < kGroups; ++group) {
    std::vector<std::string> asked, others;
    for (size_t i = 0; i < concepts.size(); ++i) (i % kGroups == group ? asked : others).push_back(concepts[i]);
    MIXMATCH_RETURN_IF_ERROR(learned->Load(state));
    MIXMATCH_RETURN_IF_ERROR(learned->Add(HeardAndDrawn(corpus, others)));
    MIXMATCH_ASSIGN_OR_RETURN(const Space space, learned->Solve());
    const auto ask = [&](const std::vector<std::string>& among, std::vector<int>* ranks) -> absl::Status {
      const Question question = SoundToEmoji(corpus, asked, among);
      MIXMATCH_ASSIGN_OR_RETURN(const Vectors queries, space.Embed(question.queries));
      MIXMATCH_ASSIGN_OR_RETURN(const Vectors candidates, space.Embed(question.candidates));
      const std::vector<int> some = AskRanks(corpus, question, queries, candidates);
      ranks->insert(ranks->end(), some.begin(), some.end());
      return absl::OkStatus();
    };
    MIXMATCH_RETURN_IF_ERROR(ask(concepts, &few));
    MIXMATCH_RETURN_IF_ERROR(ask({}, &all));
  }
  MIXMATCH_RETURN_IF_ERROR(learned->Load(state));
  const auto recall_of = [&](const std::vector<int>& ranks, const std::vector<std::string>& among) {
    const Question question = SoundToEmoji(corpus, concepts, among);
    Recall recall = RecallOf(ranks, static_cast<int>(question.candidates.size()));
    recall.chance_r1 = 1.0 / std::max<size_t>(1, question.candidates.size());  // One drawing a concept.
    recall.chance_r10 = std::min(1.0, 10 * recall.chance_r1);
    return recall;
  };
  AddAnswers(trial, "_other_pairs", recall_of(few, concepts), recall_of(all, {}));
  return absl::OkStatus();
}

}  // namespace

std::vector<std::string> SoundConcepts(const Corpus& corpus) {
  std::set<std::string> heard, both;
  for (const Source& source : corpus.sources) {
    if (IsEffect(source) && !source["concept"].empty()) heard.insert(source["concept"]);
  }
  for (const Source& source : corpus.sources) {
    if (source["corpus"] == "emoji" && heard.count(source["concept"]) > 0) both.insert(source["concept"]);
  }
  return {both.begin(), both.end()};
}

Events DrawnAndNamed(const Corpus& corpus) {
  return ByEvent(corpus, corpus.Where([](const Source& source) {
    return IsLearnedDrawing(source) || (source["corpus"] == "emoji" && source.modality == "text" && source["lang"] == "en");
  }));
}

Events HeardAndNamed(const Corpus& corpus) {
  std::set<std::string> heard;
  for (const Source& source : corpus.sources) {
    if (IsEffect(source)) heard.insert(source.event);
  }
  return ByEvent(corpus, corpus.Where([&](const Source& source) {
    return IsEffect(source) || (source["corpus"] == "tuxpaint" && source["kind"] == "caption" &&
                                source["lang"] == "en" && heard.count(source.event) > 0);
  }));
}

Events HeardAndDrawn(const Corpus& corpus, const std::vector<std::string>& concepts) {
  std::map<std::string, std::vector<PartId>> drawings;
  for (PartId part : corpus.Where(IsLearnedDrawing)) drawings[corpus.SourceOf(part)["concept"]].push_back(part);
  Events pairs = ByEvent(corpus, corpus.Where([&](const Source& source) {
    return IsEffect(source) && Contains(concepts, source["concept"]);
  }));
  for (std::vector<PartId>& pair : pairs) {
    const std::vector<PartId>& drawn = drawings[corpus.SourceOf(pair[0])["concept"]];
    pair.insert(pair.end(), drawn.begin(), drawn.end());
  }
  return pairs;
}

Question SoundToEmoji(const Corpus& corpus, const std::vector<std::string>& concepts,
                      const std::vector<std::string>& candidates) {
  Question question;
  question.name = "sound_to_emoji";
  question.by = "concept";
  question.queries =
      corpus.Where([&](const Source& source) { return IsEffect(source) && Contains(concepts, source["concept"]); });
  question.candidates = corpus.Where([&](const Source& source) {
    return source["corpus"] == "emoji" && source["kind"] == "picture" &&
           source["style"] == UnseenTwitter().test_style &&
           (candidates.empty() || Contains(candidates, source["concept"]));
  });
  return question;
}

absl::Status AskSoundToEmoji(const Trial& trial, const Space& space) {
  return Answer(trial, space, "").status();
}

absl::Status MeasureSoundToEmoji(const Trial& trial, bool brief) {
  const Corpus& corpus = *trial.corpus;
  MIXMATCH_ASSIGN_OR_RETURN(HeadLearner learner, HeadLearner::Create(trial.corpus, trial.input, trial.seed));
  MIXMATCH_RETURN_IF_ERROR(learner.Add(DrawnAndNamed(corpus)));
  MIXMATCH_RETURN_IF_ERROR(learner.Add(HeardAndNamed(corpus)));
  MIXMATCH_ASSIGN_OR_RETURN(const Space emergent, learner.Solve());
  MIXMATCH_ASSIGN_OR_RETURN(const Recall found, Answer(trial, emergent, ""));

  MIXMATCH_ASSIGN_OR_RETURN(HeadLearner paired, HeadLearner::Create(trial.corpus, trial.input, trial.seed));
  MIXMATCH_RETURN_IF_ERROR(paired.Add(DrawnAndNamed(corpus)));
  MIXMATCH_RETURN_IF_ERROR(paired.Add(HeardAndDrawn(corpus, SoundConcepts(corpus))));
  MIXMATCH_ASSIGN_OR_RETURN(const Space direct, paired.Solve());
  MIXMATCH_ASSIGN_OR_RETURN(const Recall best, Answer(trial, direct, "_direct"));
  trial.results->AddFigure("sound_to_emoji_over_direct_r1" + trial.suffix, found.r1 / best.r1, "ratio");
  trial.results->AddFigure("sound_to_emoji_over_direct_r10" + trial.suffix, found.r10 / best.r10, "ratio");
  return brief ? absl::OkStatus() : AnswerFromOtherPairs(trial, &learner);
}

}  // namespace mixmatch::bench
