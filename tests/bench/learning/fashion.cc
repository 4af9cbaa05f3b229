#include "tests/bench/learning/fashion.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <set>

#include "proto/base/status_macros.h"

namespace mixmatch::bench {
namespace {

constexpr size_t kClassesAStage = 2;

bool Contains(const std::vector<std::string>& list, const std::string& entry) {
  return std::find(list.begin(), list.end(), entry) != list.end();
}

std::vector<PartId> PartsOf(const Corpus& corpus, const char* kind, const char* split,
                            const std::vector<std::string>& classes) {
  return corpus.Where([&](const Source& source) {
    return source["corpus"] == "fashion" && source["kind"] == kind && source["split"] == split &&
           Contains(classes, source["class"]);
  });
}

std::vector<std::string> Joined(const std::vector<std::vector<std::string>>& stages, size_t count) {
  std::vector<std::string> classes;
  for (size_t t = 0; t < count; ++t) classes.insert(classes.end(), stages[t].begin(), stages[t].end());
  return classes;
}

}  // namespace

std::vector<std::vector<std::string>> FashionStages(const Corpus& corpus) {
  std::set<std::string> classes;
  for (const Source& source : corpus.sources) {
    if (source["corpus"] == "fashion") classes.insert(source["class"]);
  }
  std::vector<std::vector<std::string>> stages;
  for (const std::string& name : classes) {
    if (stages.empty() || stages.back().size() == kClassesAStage) stages.emplace_back();
    stages.back().push_back(name);
  }
  return stages;
}

Events FashionEvents(const Corpus& corpus, const std::vector<std::string>& classes) {
  std::map<std::string, std::vector<PartId>> names;
  for (PartId name : PartsOf(corpus, "name", "train", classes)) names[corpus.SourceOf(name)["class"]].push_back(name);
  Events events;
  for (PartId picture : PartsOf(corpus, "picture", "train", classes)) {
    std::vector<PartId>& event = events.emplace_back(names[corpus.SourceOf(picture)["class"]]);
    event.push_back(picture);
  }
  return events;
}

Question PictureToClass(const Corpus& corpus, const std::vector<std::string>& pictures,
                        const std::vector<std::string>& names) {
  return {"image_to_class", PartsOf(corpus, "picture", "test", pictures), PartsOf(corpus, "name", "train", names),
          "class"};
}

absl::Status AskFashion(const Trial& trial, const Space& space) {
  const std::vector<std::vector<std::string>> stages = FashionStages(*trial.corpus);
  const std::vector<std::string> all = Joined(stages, stages.size());
  MIXMATCH_ASSIGN_OR_RETURN(const Recall recall, Ask(*trial.corpus, PictureToClass(*trial.corpus, all, all), space));
  trial.results->AddRecall("fashion" + trial.suffix, "image_to_class", recall);
  trial.results->AddFigure("fashion_image_to_class_accuracy" + trial.suffix, recall.r1, "share");
  return absl::OkStatus();
}

absl::Status MeasureFashion(const Trial& trial, int joint_iterations) {
  const Corpus& corpus = *trial.corpus;
  const std::vector<std::vector<std::string>> stages = FashionStages(corpus);
  MIXMATCH_ASSIGN_OR_RETURN(HeadLearner learner, HeadLearner::Create(trial.corpus, trial.input, trial.seed));
  std::vector<std::vector<double>> accuracy;
  double anytime = 0, online = 0, seconds = 0;
  size_t rows = 0;
  for (size_t t = 0; t < stages.size(); ++t) {
    const Events events = FashionEvents(corpus, stages[t]);
    const auto begin = std::chrono::steady_clock::now();
    MIXMATCH_RETURN_IF_ERROR(learner.Add(events));
    MIXMATCH_ASSIGN_OR_RETURN(const Space space, learner.Solve());
    seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    rows += events.size();
    const std::vector<std::string> learned = Joined(stages, t + 1);
    std::vector<double>& row = accuracy.emplace_back();
    for (size_t c = 0; c <= t; ++c) {
      MIXMATCH_ASSIGN_OR_RETURN(const Recall own, Ask(corpus, PictureToClass(corpus, stages[c], learned), space));
      row.push_back(own.r1);
    }
    // Every class has as many test pictures, so that this is the mean over the stages too.
    MIXMATCH_ASSIGN_OR_RETURN(const Recall now, Ask(corpus, PictureToClass(corpus, learned, learned), space));
    online = now.r1;
    anytime += now.r1 / stages.size();
  }
  const StreamSummary summary = SummarizeStream(accuracy);
  const auto add = [&](const char* name, double value, const char* unit) {
    trial.results->AddFigure(name + trial.suffix, value, unit);
  };
  add("fashion_online_accuracy", online, "share");
  add("fashion_anytime_accuracy", anytime, "share");
  add("fashion_forgetting_points", 100 * summary.forgetting, "points");
  add("fashion_backward_transfer_points", 100 * summary.backward_transfer, "points");
  add("fashion_rows_per_second", rows / seconds, "rows/s");
  learner.ForgetSolution();
  MIXMATCH_ASSIGN_OR_RETURN(const Space joint, learner.Solve(joint_iterations));
  return AskFashion(trial, joint);
}

}  // namespace mixmatch::bench
