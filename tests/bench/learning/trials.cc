#include "tests/bench/learning/trials.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "model/head/head_maps.h"
#include "model/modality/modality.h"
#include "proto/base/status_macros.h"
#include "tests/bench/learning/ridge.h"

namespace mixmatch::bench {
namespace {

const std::vector<double>& Lambdas() {
  static const auto* const lambdas = new std::vector<double>{1e-6, 1e-4, 1e-3, 1e-2, 1e-1};
  return *lambdas;
}

// Mean R@10 over the main questions.
absl::StatusOr<double> MeanR10(const Corpus& corpus, const std::vector<Question>& questions, const Space& space) {
  double sum = 0;
  for (int i = 0; i < kMainQuestions; ++i) {
    MIXMATCH_ASSIGN_OR_RETURN(const Recall recall, Ask(corpus, questions[i], space));
    sum += recall.r10 / kMainQuestions;
  }
  return sum;
}

std::vector<Question> OfCategories(const Corpus& corpus, const std::vector<Question>& questions,
                                   const std::vector<std::string>& categories) {
  std::vector<Question> some;
  for (const Question& question : questions) some.push_back(OfCategories(corpus, question, categories));
  return some;
}

Events EventsOfCategory(const Corpus& corpus, const Events& events, const std::string& category) {
  Events some;
  std::copy_if(events.begin(), events.end(), std::back_inserter(some),
               [&](const auto& event) { return corpus.SourceOf(event[0])["category"] == category; });
  return some;
}

// Candidates keep the vectors of `before`, queries are asked by `after`: R@10 as it is, and with a map for each
// modality fitted on parts that were learned from, over that of fresh candidates.
absl::Status MeasureOldIndex(const Trial& trial, const std::vector<Question>& questions, const Events& anchors,
                             const Space& before, const Space& after, const std::string& variant) {
  const Corpus& corpus = *trial.corpus;
  std::vector<std::vector<double>> maps(model::ModalityTable().size());
  for (size_t slot = 0; slot < maps.size(); ++slot) {
    std::vector<PartId> parts;
    for (const auto& event : anchors) {
      for (PartId part : event) {
        if (corpus.parts[part].slot == slot) parts.push_back(part);
      }
    }
    if (parts.empty()) continue;
    MIXMATCH_ASSIGN_OR_RETURN(const Vectors from, before.Embed(parts));
    MIXMATCH_ASSIGN_OR_RETURN(const Vectors to, after.Embed(parts));
    maps[slot] = FitChosenRidge(from, to, Lambdas());
  }
  double fresh_sum = 0, raw_sum = 0, mapped_sum = 0;
  for (int i = 0; i < kMainQuestions; ++i) {
    MIXMATCH_ASSIGN_OR_RETURN(const Vectors queries, after.Embed(questions[i].queries));
    MIXMATCH_ASSIGN_OR_RETURN(const Vectors fresh, after.Embed(questions[i].candidates));
    MIXMATCH_ASSIGN_OR_RETURN(const Vectors raw, before.Embed(questions[i].candidates));
    if (raw.rows() == 0) continue;
    const Vectors mapped = Apply(maps[corpus.parts[questions[i].candidates[0]].slot], raw);
    const auto add = [&](const Vectors& candidates, double* sum) -> absl::Status {
      MIXMATCH_ASSIGN_OR_RETURN(const Recall recall, Ask(corpus, questions[i], queries, candidates));
      *sum += recall.r10;
      return absl::OkStatus();
    };
    MIXMATCH_RETURN_IF_ERROR(add(fresh, &fresh_sum));
    MIXMATCH_RETURN_IF_ERROR(add(raw, &raw_sum));
    MIXMATCH_RETURN_IF_ERROR(add(mapped, &mapped_sum));
  }
  const std::string ending = variant + trial.suffix;
  trial.results->AddFigure("old_index_raw_over_reencoded" + ending, raw_sum / fresh_sum, "ratio");
  trial.results->AddFigure("old_index_mapped_over_reencoded" + ending, mapped_sum / fresh_sum, "ratio");
  return absl::OkStatus();
}

double LargestScoreGap(const Vectors& queries_a, const Vectors& candidates_a, const Vectors& queries_b,
                       const Vectors& candidates_b) {
  const std::vector<float> a = Scores(queries_a, candidates_a), b = Scores(queries_b, candidates_b);
  double gap = 0;
  for (size_t i = 0; i < a.size(); ++i) gap = std::max(gap, std::fabs(static_cast<double>(a[i]) - b[i]));
  return gap;
}

double LargestCosineGap(const Vectors& a, const Vectors& b) {
  double gap = 0;
  for (size_t r = 0; r < a.rows(); ++r) {
    double cosine = 0;
    for (int j = 0; j < a.dim; ++j) cosine += static_cast<double>(a.row(r)[j]) * b.row(r)[j];
    gap = std::max(gap, 1.0 - cosine);
  }
  return gap;
}

// Largest differences between two spaces over all that is asked about the emoji.
absl::Status AddGaps(const Trial& trial, const Space& a, const Space& b, const std::string& variant) {
  double cosine_gap = 0, score_gap = 0;
  const std::vector<Question> questions = EmojiQuestions(*trial.corpus, UnseenTwitter());
  for (int i = 0; i < kMainQuestions; ++i) {
    MIXMATCH_ASSIGN_OR_RETURN(const Vectors queries_a, a.Embed(questions[i].queries));
    MIXMATCH_ASSIGN_OR_RETURN(const Vectors queries_b, b.Embed(questions[i].queries));
    MIXMATCH_ASSIGN_OR_RETURN(const Vectors candidates_a, a.Embed(questions[i].candidates));
    MIXMATCH_ASSIGN_OR_RETURN(const Vectors candidates_b, b.Embed(questions[i].candidates));
    cosine_gap = std::max({cosine_gap, LargestCosineGap(queries_a, queries_b),
                           LargestCosineGap(candidates_a, candidates_b)});
    score_gap = std::max(score_gap, LargestScoreGap(queries_a, candidates_a, queries_b, candidates_b));
  }
  trial.results->AddFigure("unlearning_max_cosine_gap" + variant + trial.suffix, cosine_gap, "1 - cosine");
  trial.results->AddFigure("unlearning_max_score_gap" + variant + trial.suffix, score_gap, "cosine");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Space> Learn(const Trial& trial, const Events& events, int iterations) {
  MIXMATCH_ASSIGN_OR_RETURN(HeadLearner learner, HeadLearner::Create(trial.corpus, trial.input, trial.seed));
  MIXMATCH_RETURN_IF_ERROR(learner.Add(events));
  return learner.Solve(iterations);
}

absl::Status AskEmoji(const Trial& trial, const EmojiSplit& split, const Space& space, const std::string& variant) {
  for (const Question& question : EmojiQuestions(*trial.corpus, split)) {
    MIXMATCH_ASSIGN_OR_RETURN(const Recall recall, Ask(*trial.corpus, question, space));
    const std::string ending = variant + trial.suffix, name = "emoji_" + question.name;
    trial.results->AddRecall("emoji" + ending, question.name, recall);
    trial.results->AddFigure(name + "_r1" + ending, recall.r1, "share");
    trial.results->AddFigure(name + "_r10" + ending, recall.r10, "share");
  }
  return absl::OkStatus();
}

absl::Status AskSpeech(const Trial& trial, const Space& space) {
  for (const auto& [rung, questions] : SpeechQuestions(*trial.corpus)) {
    double sum = 0;
    for (const Question& question : questions) {
      MIXMATCH_ASSIGN_OR_RETURN(const Recall recall, Ask(*trial.corpus, question, space));
      trial.results->AddRecall("speech" + trial.suffix, absl::StrCat(rung, " ", question.name), recall);
      sum += recall.r1 / questions.size();
    }
    trial.results->AddFigure(rung + "_speech_to_text_r1" + trial.suffix, sum, "share");
  }
  return absl::OkStatus();
}

absl::Status MeasureEmergence(const Trial& trial, const Space& direct, int iterations) {
  const EmojiSplit split = UnseenTwitter();
  const Events events = WithoutSpeechImagePairs(*trial.corpus, EmojiEvents(*trial.corpus, split));
  MIXMATCH_ASSIGN_OR_RETURN(const Space emergent, Learn(trial, events, iterations));
  for (const Question& question : EmojiQuestions(*trial.corpus, split)) {
    if (question.name != "speech_to_image" && question.name != "image_to_speech") continue;
    MIXMATCH_ASSIGN_OR_RETURN(const Recall found, Ask(*trial.corpus, question, emergent));
    trial.results->AddRecall("emergent" + trial.suffix, question.name, found);
    if (question.name != "speech_to_image") continue;
    MIXMATCH_ASSIGN_OR_RETURN(const Recall whole, Ask(*trial.corpus, question, direct));
    trial.results->AddFigure("emergent_over_direct_r1" + trial.suffix, found.r1 / whole.r1, "ratio");
    trial.results->AddFigure("emergent_over_direct_r10" + trial.suffix, found.r10 / whole.r10, "ratio");
  }
  return absl::OkStatus();
}

absl::Status MeasureStream(const Trial& trial, const Space& joint) {
  const Corpus& corpus = *trial.corpus;
  const EmojiSplit split = UnseenTwitter();
  const Events events = EmojiEvents(corpus, split);
  const std::vector<Question> questions = EmojiQuestions(corpus, split);
  const std::vector<std::string> categories = EmojiCategories(corpus);
  MIXMATCH_ASSIGN_OR_RETURN(HeadLearner learner, HeadLearner::Create(trial.corpus, trial.input, trial.seed));
  std::vector<Space> spaces;  // After each category.
  std::vector<std::vector<double>> accuracy;
  double anytime = 0;
  for (size_t t = 0; t < categories.size(); ++t) {
    MIXMATCH_RETURN_IF_ERROR(learner.Add(EventsOfCategory(corpus, events, categories[t])));
    MIXMATCH_ASSIGN_OR_RETURN(const Space space, learner.Solve());
    spaces.push_back(space);
    std::vector<double>& row = accuracy.emplace_back();
    for (size_t c = 0; c <= t; ++c) {
      MIXMATCH_ASSIGN_OR_RETURN(const double own,
                                MeanR10(corpus, OfCategories(corpus, questions, {categories[c]}), space));
      row.push_back(own);
    }
    const std::vector<std::string> learned(categories.begin(), categories.begin() + t + 1);
    MIXMATCH_ASSIGN_OR_RETURN(const double now, MeanR10(corpus, OfCategories(corpus, questions, learned), space));
    anytime += now / categories.size();
  }
  MIXMATCH_ASSIGN_OR_RETURN(const double online, MeanR10(corpus, questions, spaces.back()));
  MIXMATCH_ASSIGN_OR_RETURN(const double offline, MeanR10(corpus, questions, joint));
  const StreamSummary summary = SummarizeStream(accuracy);
  const auto add = [&](const char* name, double value, const char* unit) {
    trial.results->AddFigure(name + trial.suffix, value, unit);
  };
  add("online_over_joint_r10", online / offline, "ratio");
  add("online_final_r10", online, "share");
  add("online_anytime_r10", anytime, "share");
  add("forgetting_points", 100 * summary.forgetting, "points");
  add("backward_transfer_points", 100 * summary.backward_transfer, "points");

  const size_t half = categories.size() / 2;
  const std::vector<std::string> stored(categories.begin(), categories.begin() + half);
  Events anchors;
  for (const std::string& category : stored) {
    const Events some = EventsOfCategory(corpus, events, category);
    anchors.insert(anchors.end(), some.begin(), some.end());
  }
  if (half == 0) return absl::OkStatus();
  MIXMATCH_RETURN_IF_ERROR(MeasureOldIndex(trial, OfCategories(corpus, questions, stored), anchors, spaces[half - 1],
                                           spaces.back(), ""));
  return MeasureOldIndex(trial, questions, events, spaces[half - 1], spaces.back(), "_with_unlearned_items");
}

absl::Status MeasureUnlearning(const Trial& trial, bool warm_too) {
  const EmojiSplit split = UnseenTwitter();
  const Events events = EmojiEvents(*trial.corpus, split);
  Events kept, removed;
  for (size_t i = 0; i < events.size(); ++i) (i % 10 == 3 ? removed : kept).push_back(events[i]);
  MIXMATCH_ASSIGN_OR_RETURN(HeadLearner learner, HeadLearner::Create(trial.corpus, trial.input, trial.seed));
  MIXMATCH_RETURN_IF_ERROR(learner.Add(events));
  MIXMATCH_RETURN_IF_ERROR(learner.Solve().status());
  MIXMATCH_RETURN_IF_ERROR(learner.Remove(removed));
  if (warm_too) {
    MIXMATCH_ASSIGN_OR_RETURN(const Space warm, learner.Solve(kConverged));
    MIXMATCH_ASSIGN_OR_RETURN(const Space converged, Learn(trial, kept, kConverged));
    MIXMATCH_RETURN_IF_ERROR(AddGaps(trial, warm, converged, "_warm"));
  }
  learner.ForgetSolution();
  MIXMATCH_ASSIGN_OR_RETURN(const Space afresh, learner.Solve());
  MIXMATCH_ASSIGN_OR_RETURN(const Space never, Learn(trial, kept));
  return AddGaps(trial, afresh, never, "");
}

absl::Status MeasureRefresh(const Trial& trial, int64_t rows) {
  constexpr int64_t kBlock = 10'000;  // Rows held as floats at once; far more than any cache.
  const int slot = model::SlotOf(model::Modality::kImage);
  const std::vector<int> dims = InputDims(*trial.corpus, trial.input);
  MIXMATCH_ASSIGN_OR_RETURN(const auto maps, model::HeadMaps::Random(dims, 512, trial.seed));
  std::vector<float> features;
  for (const Part& part : trial.corpus->parts) {
    if (part.slot != slot || features.size() >= static_cast<size_t>(kBlock * dims[slot])) continue;
    features.insert(features.end(), part.features.begin(), part.features.end());
    if (trial.input == Input::kJoined) features.insert(features.end(), part.trunk.begin(), part.trunk.end());
  }
  if (features.empty()) return absl::OkStatus();
  const size_t seen = features.size();
  features.resize(kBlock * dims[slot]);
  for (size_t i = seen; i < features.size(); ++i) features[i] = features[i - seen];
  std::vector<float> out(rows * maps->dim());
  const auto begin = std::chrono::steady_clock::now();
  for (int64_t done = 0; done < rows; done += kBlock) {
    const int64_t block = std::min(kBlock, rows - done);
    MIXMATCH_RETURN_IF_ERROR(maps->Map(slot, absl::MakeConstSpan(features).first(block * dims[slot]), block,
                                       absl::MakeSpan(out).subspan(done * maps->dim(), block * maps->dim())));
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  trial.results->AddFigure("refresh_100k_seconds" + trial.suffix, seconds * 100'000 / rows, "s");
  return absl::OkStatus();
}

}  // namespace mixmatch::bench
