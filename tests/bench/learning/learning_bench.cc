// learning_bench: what learning is worth, measured on shards. See README.md; usually run by `tests/bench/run learning`.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "model/head/head_maps.h"
#include "model/modality/modality.h"
#include "model/trunk/trunk.h"
#include "proto/base/status_macros.h"
#include "tests/bench/learning/corpus.h"
#include "tests/bench/learning/emergent.h"
#include "tests/bench/learning/fashion.h"
#include "tests/bench/learning/folds.h"
#include "tests/bench/learning/results.h"
#include "tests/bench/learning/trials.h"
#include "tests/bench/learning/unseen.h"

namespace mixmatch::bench {
namespace {

struct Flags {
  std::vector<std::string> shards;
  std::string trunk, json;
  int seeds = 3;
  int64_t refresh_rows = 100'000;
  int concepts = 102;
  int folds = 1000;  // All.
  // Baselines answer questions only; one fold; no unseen `fluent`, no warm unlearning, nothing solved to convergence.
  bool brief = false;
};

void Say(const std::string& what) { absl::FPrintF(stderr, "%s\n", what); }

// Of all threads of this process: other work on the machine does not count.
double CpuSeconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

absl::StatusOr<std::shared_ptr<const model::Trunk>> ReadTrunk(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat("cannot read the trunk ", path));
  return model::Trunk::FromBytes(std::string{std::istreambuf_iterator<char>(file), {}});
}

// The pictures of Fashion-MNIST are many times those of all other corpora, and have nothing to do with them.
struct Corpora {
  Corpus main, fashion;

  Corpus* HomeOf(const Source& source) {
    const std::string& name = source["corpus"];
    if (name == "fashion") return &fashion;
    return name == "emoji" || name == "speech" || name == "tuxpaint" || name == "wesnoth" ? &main : nullptr;
  }
};

bool Has(const Corpus& corpus, const std::string& name) {
  return std::any_of(corpus.sources.begin(), corpus.sources.end(),
                     [&](const Source& source) { return source["corpus"] == name; });
}

class Bench {
 public:
  Bench(const Corpora& corpora, const Flags& flags, Results* results)
      : corpora_(corpora), flags_(flags), results_(results), trunk_(!flags.trunk.empty()),
        emoji_(Has(corpora.main, "emoji")), speech_(Has(corpora.main, "speech")),
        folds_(!FoldsOf(corpora.main).empty()), link_(emoji_ && !SoundConcepts(corpora.main).empty()),
        fashion_(!corpora.fashion.parts.empty()) {}

  absl::Status MeasureSeed(uint64_t seed) {
    Trial random{&corpora_.main, results_, Input::kFixed, seed, "_random_features"};
    MIXMATCH_RETURN_IF_ERROR(AskRandom(random));
    Trial head{&corpora_.main, results_, Input::kFixed, seed, "_head_alone"};
    MIXMATCH_RETURN_IF_ERROR(Measure(head, trunk_ ? "" : "_joint_offline", !(flags_.brief && trunk_)));
    if (emoji_ && !flags_.brief) {
      MIXMATCH_RETURN_IF_ERROR(Timed(head, "unseen fluent", [&]() -> absl::Status {
        MIXMATCH_ASSIGN_OR_RETURN(const Space fluent, Learn(head, EmojiEvents(corpora_.main, UnseenFluent())));
        return AskEmoji(head, UnseenFluent(), fluent, "_fluent");
      }));
    }
    Trial whole{&corpora_.main, results_, Input::kJoined, seed, ""};
    if (trunk_) MIXMATCH_RETURN_IF_ERROR(Measure(whole, "_joint_offline", /*all=*/true));
    if (emoji_ && trunk_ && !flags_.brief) {
      MIXMATCH_RETURN_IF_ERROR(Timed(whole, "eight languages", [&]() -> absl::Status {
        const EmojiSplit split = UnseenTwitterAllLanguages();
        MIXMATCH_ASSIGN_OR_RETURN(const Space space, Learn(whole, EmojiEvents(corpora_.main, split)));
        return AskEmoji(whole, split, space, "_eight_languages");
      }));
    }
    if (seed != 1) return absl::OkStatus();  // What follows does not depend on it.
    if (trunk_) MIXMATCH_RETURN_IF_ERROR(AskDayOne());
    if (trunk_) MIXMATCH_RETURN_IF_ERROR(AskTrunk());
    return MeasureUpkeep(trunk_ && flags_.brief ? std::vector<Trial>{whole}
                         : trunk_               ? std::vector<Trial>{whole, head}
                                                : std::vector<Trial>{head});
  }

 private:
  // Runs a part of the bench and keeps its time.
  template <typename Part>
  absl::Status Timed(const Trial& trial, const std::string& part, const Part& run) {
    const double begin = CpuSeconds();
    absl::Status status = run();
    const double seconds = CpuSeconds() - begin;
    results_->AddSeconds(part + trial.suffix, seconds);
    absl::FPrintF(stderr, "seed %d: %s%s: %.1f CPU s\n", trial.seed, part, trial.suffix, seconds);
    return status;
  }

  // The same trial on the pictures of Fashion-MNIST.
  Trial OnFashion(Trial trial) const {
    trial.corpus = &corpora_.fashion;
    return trial;
  }

  // What any space can be asked.
  absl::Status AskAll(const Trial& trial, const Space& space, const Space& on_fashion) {
    if (emoji_) MIXMATCH_RETURN_IF_ERROR(AskEmoji(trial, UnseenTwitter(), space, ""));
    if (speech_) MIXMATCH_RETURN_IF_ERROR(AskSpeech(trial, space));
    if (folds_) MIXMATCH_RETURN_IF_ERROR(MeasureFolds(trial, MostFolds(), &space));
    if (link_) MIXMATCH_RETURN_IF_ERROR(AskSoundToEmoji(trial, space));
    return fashion_ ? AskFashion(OnFashion(trial), on_fashion) : absl::OkStatus();
  }

  absl::Status AskRandom(const Trial& trial) {
    return Timed(trial, "questions", [&]() -> absl::Status {
      MIXMATCH_ASSIGN_OR_RETURN(auto maps, model::HeadMaps::Random(model::FeatureDims(), kDim, trial.seed));
      const Space space = Space::OfMaps(&corpora_.main, Input::kFixed, maps);
      MIXMATCH_RETURN_IF_ERROR(AskAll(trial, space, Space::OfMaps(&corpora_.fashion, Input::kFixed, maps)));
      if (!emoji_ || flags_.brief) return absl::OkStatus();
      MIXMATCH_RETURN_IF_ERROR(AskEmoji(trial, UnseenFluent(), space, "_fluent"));
      return MeasureNovelty(trial, HoldOutTenth(EmojiEvents(corpora_.main, UnseenTwitter())), space);
    });
  }

  absl::Status AskTrunk() {
    const Trial alone{&corpora_.main, results_, Input::kJoined, 1, "_trunk_alone"};
    return Timed(alone, "questions", [&] {
      return AskAll(alone, Space::OfTrunk(&corpora_.main), Space::OfTrunk(&corpora_.fashion));
    });
  }

  // What a server answers before its first event: the untrained head over fixed features and the trunk's output.
  absl::Status AskDayOne() {
    const Trial day_one{&corpora_.main, results_, Input::kJoined, 1, "_day_one"};
    return Timed(day_one, "questions", [&]() -> absl::Status {
      const std::vector<int> fixed = model::FeatureDims(), joined = InputDims(corpora_.main, Input::kJoined);
      MIXMATCH_ASSIGN_OR_RETURN(auto maps, model::HeadMaps::Random(joined, kDim, day_one.seed, joined[0] - fixed[0]));
      return AskAll(day_one, Space::OfMaps(&corpora_.main, Input::kJoined, maps),
                    Space::OfMaps(&corpora_.fashion, Input::kJoined, maps));
    });
  }

  // Everything that one seed of one kind of input is measured by. `joint_suffix` is empty unless the offline solution
  // is a column of its own; `all`: not only answers to questions about the first two corpora.
  absl::Status Measure(const Trial& trial, const std::string& joint_suffix, bool all) {
    if (speech_) MIXMATCH_RETURN_IF_ERROR(Timed(trial, "speech ladder", [&] { return MeasureSpeech(trial, ""); }));
    if (emoji_) {
      MIXMATCH_RETURN_IF_ERROR(Timed(trial, "emoji", [&] { return MeasureEmoji(trial, joint_suffix, all); }));
    }
    if (!all) return absl::OkStatus();
    if (speech_ && !joint_suffix.empty()) {
      MIXMATCH_RETURN_IF_ERROR(
          Timed(trial, "speech ladder, joint", [&] { return MeasureSpeech(trial, joint_suffix); }));
    }
    if (emoji_) {
      MIXMATCH_RETURN_IF_ERROR(Timed(trial, "unseen concepts", [&] {
        const int most = (flags_.concepts + flags_.seeds - 1) / flags_.seeds;
        return MeasureUnseen(trial, static_cast<int>(trial.seed - 1), flags_.seeds, most);
      }));
    }
    if (folds_) MIXMATCH_RETURN_IF_ERROR(Timed(trial, "folds", [&] { return MeasureFolds(trial, MostFolds()); }));
    if (link_) {
      MIXMATCH_RETURN_IF_ERROR(
          Timed(trial, "emergent link", [&] { return MeasureSoundToEmoji(trial, flags_.brief); }));
    }
    if (!fashion_) return absl::OkStatus();
    return Timed(trial, "fashion", [&] { return MeasureFashion(OnFashion(trial), JointIterations()); });
  }

  absl::Status MeasureSpeech(Trial trial, const std::string& joint_suffix) {
    const bool joint = !joint_suffix.empty();
    MIXMATCH_ASSIGN_OR_RETURN(const Space ladder,
                              Learn(trial, SpeechEvents(corpora_.main), joint ? JointIterations() : 0));
    if (joint) trial.suffix = joint_suffix;
    return AskSpeech(trial, ladder);
  }

  absl::Status MeasureEmoji(const Trial& trial, const std::string& joint_suffix, bool all) {
    const EmojiSplit split = UnseenTwitter();
    MIXMATCH_ASSIGN_OR_RETURN(const Space space, Learn(trial, EmojiEvents(corpora_.main, split)));
    MIXMATCH_RETURN_IF_ERROR(AskEmoji(trial, split, space, ""));
    if (!all) return absl::OkStatus();
    Space joint = space;
    if (!flags_.brief) {
      MIXMATCH_ASSIGN_OR_RETURN(joint, Learn(trial, EmojiEvents(corpora_.main, split), kConverged));
    }
    if (!joint_suffix.empty()) {
      Trial offline = trial;
      offline.suffix = joint_suffix;
      MIXMATCH_RETURN_IF_ERROR(AskEmoji(offline, split, joint, ""));
      MIXMATCH_RETURN_IF_ERROR(MeasureEmergence(offline, joint, JointIterations()));
    }
    MIXMATCH_RETURN_IF_ERROR(MeasureEmergence(trial, space));
    return MeasureStream(trial, joint);
  }

  absl::Status MeasureUpkeep(const std::vector<Trial>& trials) {
    for (const Trial& trial : trials) {
      MIXMATCH_RETURN_IF_ERROR(Timed(trial, "unlearning and refresh", [&]() -> absl::Status {
        if (emoji_) MIXMATCH_RETURN_IF_ERROR(MeasureUnlearning(trial, !flags_.brief));
        return MeasureRefresh(trial, flags_.refresh_rows);
      }));
    }
    return absl::OkStatus();
  }

  int JointIterations() const { return flags_.brief ? 0 : kConverged; }
  int MostFolds() const { return flags_.brief ? 1 : flags_.folds; }

  static constexpr int kDim = 512;

  const Corpora& corpora_;
  const Flags& flags_;
  Results* const results_;
  const bool trunk_, emoji_, speech_, folds_, link_, fashion_;
};

absl::Status Run(const Flags& flags) {
  std::shared_ptr<const model::Trunk> trunk;
  if (!flags.trunk.empty()) {
    MIXMATCH_ASSIGN_OR_RETURN(trunk, ReadTrunk(flags.trunk));
  }
  Results results;
  Corpora corpora;
  const double begin = CpuSeconds();
  for (const std::string& folder : flags.shards) {
    MIXMATCH_RETURN_IF_ERROR(
        AddShards(folder, [&](const Source& source) { return corpora.HomeOf(source); }, trunk.get()));
  }
  results.AddSeconds("reading shards and running the trunk", CpuSeconds() - begin);
  if (corpora.main.parts.empty() && corpora.fashion.parts.empty()) {
    return absl::InvalidArgumentError("the shards hold none of the corpora; make them of manifests of tests/corpora");
  }
  Say(absl::StrCat(corpora.main.parts.size() + corpora.fashion.parts.size(), " parts of ",
                   corpora.main.sources.size() + corpora.fashion.sources.size(), " files"));
  Bench bench(corpora, flags, &results);
  for (int seed = 1; seed <= flags.seeds; ++seed) MIXMATCH_RETURN_IF_ERROR(bench.MeasureSeed(seed));
  absl::PrintF("%s", results.Table());
  if (flags.json.empty()) return absl::OkStatus();
  std::ofstream file(flags.json, std::ios::trunc);
  file << results.Json();
  file.close();
  return file ? absl::OkStatus() : absl::UnavailableError(absl::StrCat("cannot write ", flags.json));
}

}  // namespace
}  // namespace mixmatch::bench

int main(int argc, char** argv) {
  mixmatch::bench::Flags flags;
  CLI::App app(
      "Measures what learning is worth on shards of the corpora.\n"
      "Example: learning_bench --shards shards/emoji --trunk base.safetensors --json learning.json");
  app.add_option("--shards", flags.shards, "Folders that mixmatch-shards wrote")
      ->required()
      ->check(CLI::ExistingDirectory);
  app.add_option("--trunk", flags.trunk, "A trunk's weights; without it only fixed features are measured")
      ->check(CLI::ExistingFile);
  app.add_option("--seeds", flags.seeds, "Runs that means are taken over")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  app.add_option("--refresh-rows", flags.refresh_rows, "Rows of the refresh; its time is scaled to 100,000")
      ->check(CLI::Range(1, 10'000'000))
      ->capture_default_str();
  app.add_option("--concepts", flags.concepts, "Concepts of which one event each is learned, over all seeds")
      ->check(CLI::Range(1, 1'000))
      ->capture_default_str();
  app.add_option("--folds", flags.folds, "Ask about the first so many folds only; default: all")
      ->check(CLI::Range(1, 1'000));
  app.add_flag("--brief", flags.brief, "Leave out what takes longest");
  app.add_option("--json", flags.json, "Write the results to this file");
  CLI11_PARSE(app, argc, argv);
  const absl::Status status = mixmatch::bench::Run(flags);
  if (status.ok()) return 0;
  absl::FPrintF(stderr, "learning_bench: %s\n", status.ToString());
  return 1;
}
