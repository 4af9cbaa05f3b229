#include "tests/bench/learning/folds.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "model/modality/modality.h"
#include "proto/base/status_macros.h"

namespace mixmatch::bench {
namespace {

// The files of one kind in the events of one fold.
using Kinds = std::vector<std::pair<std::string, std::vector<PartId>>>;

std::vector<PartId> PartsOf(const Corpus& corpus, const std::string& fold, const std::string& name,
                            const std::vector<std::string>& kinds, model::Modality modality) {
  std::vector<PartId> parts = corpus.Where([&](const Source& source) {
    return source["corpus"] == name && source["fold"] == fold &&
           std::find(kinds.begin(), kinds.end(), source["kind"]) != kinds.end();
  });
  const int slot = model::SlotOf(modality);  // A clip has parts of two modalities.
  parts.erase(std::remove_if(parts.begin(), parts.end(), [&](PartId part) { return corpus.parts[part].slot != slot; }),
              parts.end());
  return parts;
}

void AddAllDirections(const std::string& prefix, const Kinds& kinds, std::vector<Question>* questions) {
  for (const auto& [from, queries] : kinds) {
    for (const auto& [to, candidates] : kinds) {
      if (from != to) questions->push_back({absl::StrCat(prefix, from, "_to_", to), queries, candidates, ""});
    }
  }
}

absl::StatusOr<Space> LearnOutside(const Trial& trial, const std::string& fold) {
  const FoldEvents events = EventsOutside(*trial.corpus, fold);
  MIXMATCH_ASSIGN_OR_RETURN(HeadLearner learner, HeadLearner::Create(trial.corpus, trial.input, trial.seed));
  MIXMATCH_RETURN_IF_ERROR(learner.Add(events.declared));
  MIXMATCH_RETURN_IF_ERROR(learner.Add(events.clips, kClipWeight));
  return learner.Solve();
}

// Over folds: measures as means, queries in all, candidates of a fold.
Recall OverFolds(const std::vector<Recall>& folds) {
  Recall mean = MeanOf(folds);
  int queries = 0, candidates = 0;
  for (const Recall& fold : folds) {
    queries += fold.queries;
    candidates += fold.candidates;
  }
  mean.queries = queries;
  mean.candidates = candidates / static_cast<int>(folds.size());
  return mean;
}

}  // namespace

std::vector<std::string> FoldsOf(const Corpus& corpus) {
  std::set<std::string> folds;
  for (const Source& source : corpus.sources) {
    if (!source["fold"].empty()) folds.insert(source["fold"]);
  }
  return {folds.begin(), folds.end()};
}

FoldEvents EventsOutside(const Corpus& corpus, const std::string& fold) {
  const std::vector<PartId> parts = corpus.Where([&](const Source& source) {
    return !source["fold"].empty() && source["fold"] != fold && source.role != "query_only" &&
           (source["corpus"] == "tuxpaint" || source["corpus"] == "wesnoth");
  });
  FoldEvents events;
  events.declared = ByEvent(corpus, parts);
  std::map<int, std::vector<PartId>> clips;
  for (PartId part : parts) {
    if (corpus.SourceOf(part)["kind"] == "clip") clips[corpus.parts[part].source].push_back(part);
  }
  for (auto& [source, clip] : clips) {
    if (clip.size() > 1) events.clips.push_back(std::move(clip));
  }
  return events;
}

std::vector<Question> FoldQuestions(const Corpus& corpus, const std::string& fold) {
  const auto stamps = [&](const char* kind, model::Modality modality) {
    return PartsOf(corpus, fold, "tuxpaint", {kind}, modality);
  };
  const auto units = [&](const std::vector<std::string>& kinds, model::Modality modality) {
    return PartsOf(corpus, fold, "wesnoth", kinds, modality);
  };
  std::vector<Question> questions;
  AddAllDirections("stamps_",
                   {{"image", stamps("picture", model::Modality::kImage)},
                    {"text", stamps("caption", model::Modality::kText)},
                    {"speech", stamps("speech", model::Modality::kAudio)},
                    {"effect", stamps("effect", model::Modality::kAudio)}},
                   &questions);
  const std::vector<PartId> video = units({"clip"}, model::Modality::kVideo);
  AddAllDirections("units_",
                   {{"image", units({"portrait", "sprite"}, model::Modality::kImage)},
                    {"text", units({"description", "statistics"}, model::Modality::kText)},
                    {"video", video}},
                   &questions);
  AddAllDirections("units_",
                   {{"portrait", units({"portrait"}, model::Modality::kImage)},
                    {"sprite", units({"sprite"}, model::Modality::kImage)}},
                   &questions);
  // Many units share a sound file. What is right for it is every clip that has it.
  const std::vector<PartId> tracks = units({"track"}, model::Modality::kAudio);
  questions.push_back({"units_sound_to_video", tracks, video, "take"});
  questions.push_back({"units_video_to_sound", video, tracks, "take"});
  return questions;
}

absl::Status MeasureFolds(const Trial& trial, int most, const Space* fixed) {
  const Corpus& corpus = *trial.corpus;
  std::vector<std::string> folds = FoldsOf(corpus);
  if (static_cast<int>(folds.size()) > most) folds.resize(most);
  std::map<std::string, std::vector<Recall>> found;
  for (const std::string& fold : folds) {
    Space space;
    if (fixed != nullptr) {
      space = *fixed;
    } else {
      MIXMATCH_ASSIGN_OR_RETURN(space, LearnOutside(trial, fold));
    }
    for (const Question& question : FoldQuestions(corpus, fold)) {
      MIXMATCH_ASSIGN_OR_RETURN(const Recall recall, Ask(corpus, question, space));
      if (recall.queries > 0) found[question.name].push_back(recall);
    }
  }
  for (const auto& [name, recalls] : found) {
    const Recall mean = OverFolds(recalls);
    trial.results->AddRecall("folds" + trial.suffix, name, mean);
    trial.results->AddFigure(name + "_r1" + trial.suffix, mean.r1, "share");
    trial.results->AddFigure(name + "_r10" + trial.suffix, mean.r10, "share");
  }
  return absl::OkStatus();
}

}  // namespace mixmatch::bench
