#include "tests/bench/learning/unseen.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/base/status_macros.h"

namespace mixmatch::bench {
namespace {

std::set<std::string> NamesOf(const Corpus& corpus, const Events& events) {
  std::set<std::string> names;
  for (const auto& event : events) names.insert(corpus.SourceOf(event[0]).event);
  return names;
}

std::vector<PartId> OfEvents(const Corpus& corpus, const std::vector<PartId>& parts,
                             const std::set<std::string>& events) {
  std::vector<PartId> some;
  std::copy_if(parts.begin(), parts.end(), std::back_inserter(some),
               [&](PartId part) { return events.count(corpus.SourceOf(part).event) > 0; });
  return some;
}

// Without those whose bytes are those of one of `others`: a drawing of a known concept too is not new.
std::vector<PartId> WithoutBytesOf(const Corpus& corpus, const std::vector<PartId>& parts,
                                   const std::vector<PartId>& others) {
  std::set<std::string> bytes;
  for (PartId part : others) bytes.insert(corpus.SourceOf(part).content_key);
  std::vector<PartId> rest;
  std::copy_if(parts.begin(), parts.end(), std::back_inserter(rest),
               [&](PartId part) { return bytes.count(corpus.SourceOf(part).content_key) == 0; });
  return rest;
}

std::vector<Question> MainQuestions(const Corpus& corpus) {
  std::vector<Question> questions = EmojiQuestions(corpus, UnseenTwitter());
  questions.resize(kMainQuestions);
  return questions;
}

// Ranks of the concepts' own parts among all candidates, by question.
using RanksByQuestion = std::map<std::string, std::vector<int>>;

absl::Status AddRanks(const Corpus& corpus, const std::vector<Question>& questions, const std::set<std::string>& events,
                      const Space& space, RanksByQuestion* ranks) {
  std::map<std::vector<PartId>, Vectors> candidates;  // Two questions each have the same ones.
  for (Question question : questions) {
    question.queries = OfEvents(corpus, question.queries, events);
    MIXMATCH_ASSIGN_OR_RETURN(const Vectors queries, space.Embed(question.queries));
    Vectors& among = candidates[question.candidates];
    if (among.rows() == 0) {
      MIXMATCH_ASSIGN_OR_RETURN(among, space.Embed(question.candidates));
    }
    const std::vector<int> some = AskRanks(corpus, question, queries, among);
    std::vector<int>& all = (*ranks)[question.name];
    all.insert(all.end(), some.begin(), some.end());
  }
  return absl::OkStatus();
}

void AddOneEvent(const Trial& trial, const std::vector<Question>& questions, const RanksByQuestion& ranks,
                 const std::string& when) {
  Recall sum;
  for (const Question& question : questions) {
    const Recall recall = RecallOf(ranks.at(question.name), static_cast<int>(question.candidates.size()));
    trial.results->AddRecall(absl::StrCat("one event, ", when, trial.suffix), question.name, recall);
    sum.r1 += recall.r1 / questions.size();
    sum.r10 += recall.r10 / questions.size();
    sum.median_rank += recall.median_rank / questions.size();
  }
  const std::string ending = absl::StrCat("_", when, trial.suffix);
  trial.results->AddFigure("one_event_r1" + ending, sum.r1, "share");
  trial.results->AddFigure("one_event_r10" + ending, sum.r10, "share");
  trial.results->AddFigure("one_event_median_rank" + ending, sum.median_rank, "rank");
}

}  // namespace

HeldOut HoldOutTenth(const Events& events) {
  HeldOut held_out;
  for (size_t i = 0; i < events.size(); ++i) {
    (i % 10 == 7 ? held_out.unseen : held_out.learned).push_back(events[i]);
  }
  return held_out;
}

std::vector<float> Novelty(const Vectors& parts, const Vectors& learned) {
  const std::vector<float> scores = Scores(parts, learned);
  std::vector<float> novelty;
  for (size_t r = 0; r < parts.rows(); ++r) {
    const auto row = scores.begin() + r * learned.rows();
    novelty.push_back(learned.rows() == 0 ? 1.0f : 1.0f - *std::max_element(row, row + learned.rows()));
  }
  return novelty;
}

Pairings PairingsOf(const Corpus& corpus, const Question& question, const Vectors& queries, const Vectors& candidates) {
  std::vector<std::string> concepts, contents;
  for (const std::vector<PartId>* parts : {&question.queries, &question.candidates}) {
    for (PartId part : *parts) {
      concepts.push_back(corpus.SourceOf(part).event);
      contents.push_back(corpus.SourceOf(part).content_key);
    }
  }
  const std::vector<int> groups = Groups(concepts, contents);
  const std::vector<float> scores = Scores(queries, candidates);
  Pairings pairings;
  for (size_t q = 0; q < queries.rows(); ++q) {
    for (size_t c = 0; c < candidates.rows(); ++c) {
      const bool together = groups[q] == groups[queries.rows() + c];
      (together ? pairings.matched : pairings.mismatched).push_back(scores[q * candidates.rows() + c]);
    }
  }
  return pairings;
}

absl::Status MeasureNovelty(const Trial& trial, const HeldOut& held_out, const Space& space) {
  const Corpus& corpus = *trial.corpus;
  const std::set<std::string> known = NamesOf(corpus, held_out.learned), unseen = NamesOf(corpus, held_out.unseen);
  std::vector<PartId> learned;
  for (const auto& event : held_out.learned) learned.insert(learned.end(), event.begin(), event.end());
  const auto add = [&](const std::string& name, double value) {
    trial.results->AddFigure(name + trial.suffix, value, "AUROC");
  };
  double novelty_sum = 0, pairing_sum = 0;
  const std::vector<Question> questions = MainQuestions(corpus);
  // Drawings and voices that were never learned; a name is learned with its concept.
  for (const char* asked : {"image", "speech"}) {
    const auto question = std::find_if(questions.begin(), questions.end(),
                                       [&](const Question& q) { return q.name == std::string(asked) + "_to_text"; });
    if (question->queries.empty()) return absl::OkStatus();
    std::vector<PartId> others;
    const int slot = corpus.parts[question->queries[0]].slot;
    std::copy_if(learned.begin(), learned.end(), std::back_inserter(others),
                 [&](PartId part) { return corpus.parts[part].slot != slot; });
    MIXMATCH_ASSIGN_OR_RETURN(const Vectors among, space.Embed(others));
    const std::vector<PartId> old_ids = OfEvents(corpus, question->queries, known);
    const std::vector<PartId> new_ids = WithoutBytesOf(corpus, OfEvents(corpus, question->queries, unseen), old_ids);
    MIXMATCH_ASSIGN_OR_RETURN(const Vectors old_parts, space.Embed(old_ids));
    MIXMATCH_ASSIGN_OR_RETURN(const Vectors new_parts, space.Embed(new_ids));
    const double auroc = Auroc(Novelty(new_parts, among), Novelty(old_parts, among));
    add(std::string("novelty_auroc_") + asked, auroc);
    novelty_sum += auroc / 2;
  }
  add("novelty_auroc", novelty_sum);
  const std::vector<std::pair<const char*, const char*>> pairs = {{"image_to_text", "image_text"},
                                                                 {"speech_to_text", "speech_text"},
                                                                 {"speech_to_image", "speech_image"}};
  for (const auto& [name, pair] : pairs) {
    Question question = *std::find_if(questions.begin(), questions.end(), [n = name](const Question& q) {
      return q.name == n;
    });
    question.queries = OfEvents(corpus, question.queries, known);
    question.candidates = OfEvents(corpus, question.candidates, known);
    MIXMATCH_ASSIGN_OR_RETURN(const Vectors queries, space.Embed(question.queries));
    MIXMATCH_ASSIGN_OR_RETURN(const Vectors candidates, space.Embed(question.candidates));
    Pairings pairings = PairingsOf(corpus, question, queries, candidates);
    const double auroc = Auroc(std::move(pairings.matched), std::move(pairings.mismatched));
    add(absl::StrCat("pairing_auroc_", pair), auroc);
    pairing_sum += auroc / pairs.size();
  }
  add("pairing_auroc", pairing_sum);
  return absl::OkStatus();
}

absl::Status MeasureUnseen(const Trial& trial, int first, int of, int most) {
  const Corpus& corpus = *trial.corpus;
  const HeldOut held_out = HoldOutTenth(EmojiEvents(corpus, UnseenTwitter()));
  const std::vector<Question> questions = MainQuestions(corpus);
  MIXMATCH_ASSIGN_OR_RETURN(HeadLearner learner, HeadLearner::Create(trial.corpus, trial.input, trial.seed));
  MIXMATCH_RETURN_IF_ERROR(learner.Add(held_out.learned));
  MIXMATCH_ASSIGN_OR_RETURN(const Space space, learner.Solve());
  MIXMATCH_RETURN_IF_ERROR(MeasureNovelty(trial, held_out, space));

  MIXMATCH_ASSIGN_OR_RETURN(const std::string state, learner.Save());
  RanksByQuestion before, after;
  Events chosen;
  for (size_t i = first; i < held_out.unseen.size() && static_cast<int>(chosen.size()) < most; i += of) {
    chosen.push_back(held_out.unseen[i]);
  }
  if (chosen.empty()) return absl::OkStatus();
  MIXMATCH_RETURN_IF_ERROR(AddRanks(corpus, questions, NamesOf(corpus, chosen), space, &before));
  for (const auto& event : chosen) {
    MIXMATCH_RETURN_IF_ERROR(learner.Load(state));
    MIXMATCH_RETURN_IF_ERROR(learner.Add({event}));
    MIXMATCH_ASSIGN_OR_RETURN(const Space learned, learner.Solve());
    MIXMATCH_RETURN_IF_ERROR(AddRanks(corpus, questions, NamesOf(corpus, {event}), learned, &after));
  }
  AddOneEvent(trial, questions, before, "before");
  AddOneEvent(trial, questions, after, "after");
  return absl::OkStatus();
}

}  // namespace mixmatch::bench
