// learning_bench: what learning is worth, measured on shards. See README.md; usually run by `tests/bench/run learning`.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "proto/base/status_macros.h"
#include "tests/bench/learning/corpus.h"
#include "tests/bench/learning/trials.h"

namespace mixmatch::bench {
namespace {

struct Flags {
  std::vector<std::string> shards;
  std::string trunk, json;
  int seeds = 3;
  int64_t refresh_rows = 100'000;
  bool brief = false;  // Baselines answer questions only; no unseen `fluent`, no warm unlearning.
};

void Say(const std::string& what) { absl::FPrintF(stderr, "%s\n", what); }

absl::StatusOr<std::shared_ptr<const model::Trunk>> ReadTrunk(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat("cannot read the trunk ", path));
  return model::Trunk::FromBytes(std::string{std::istreambuf_iterator<char>(file), {}});
}

bool Asked(const Source& source) { return source["corpus"] == "emoji" || source["corpus"] == "speech"; }

bool Has(const Corpus& corpus, const std::string& name) {
  for (const Source& source : corpus.sources) {
    if (source["corpus"] == name) return true;
  }
  return false;
}

// Everything that one seed of one kind of input is measured by. `joint_suffix` is empty unless the offline solution is
// a column of its own; `whole`: not only answers to questions.
absl::Status MeasureHead(const Trial& trial, const std::string& joint_suffix, bool whole) {
  const Corpus& corpus = *trial.corpus;
  const EmojiSplit split = UnseenTwitter();
  if (Has(corpus, "speech")) {
    MIXMATCH_ASSIGN_OR_RETURN(const Space ladder, Learn(trial, SpeechEvents(corpus)));
    MIXMATCH_RETURN_IF_ERROR(AskSpeech(trial, ladder));
  }
  if (!Has(corpus, "emoji")) return absl::OkStatus();
  MIXMATCH_ASSIGN_OR_RETURN(const Space space, Learn(trial, EmojiEvents(corpus, split)));
  MIXMATCH_RETURN_IF_ERROR(AskEmoji(trial, split, space, ""));
  if (!whole) return absl::OkStatus();
  MIXMATCH_ASSIGN_OR_RETURN(const Space joint, Learn(trial, EmojiEvents(corpus, split), kConverged));
  if (!joint_suffix.empty()) {
    Trial offline = trial;
    offline.suffix = joint_suffix;
    MIXMATCH_RETURN_IF_ERROR(AskEmoji(offline, split, joint, ""));
    if (Has(corpus, "speech")) {
      MIXMATCH_ASSIGN_OR_RETURN(const Space ladder, Learn(trial, SpeechEvents(corpus), kConverged));
      MIXMATCH_RETURN_IF_ERROR(AskSpeech(offline, ladder));
    }
  }
  MIXMATCH_RETURN_IF_ERROR(MeasureEmergence(trial, space));
  return MeasureStream(trial, joint);
}

absl::Status MeasureSeed(const Corpus& corpus, uint64_t seed, const Flags& flags, Results* results) {
  const bool with_trunk = !flags.trunk.empty();
  Trial random{&corpus, results, Input::kFixed, seed, "_random_features"};
  MIXMATCH_ASSIGN_OR_RETURN(auto maps, model::HeadMaps::Random(InputDims(corpus, Input::kFixed), 512, seed));
  const Space projected = Space::OfMaps(&corpus, Input::kFixed, std::move(maps));
  MIXMATCH_RETURN_IF_ERROR(AskEmoji(random, UnseenTwitter(), projected, ""));
  if (!flags.brief) MIXMATCH_RETURN_IF_ERROR(AskEmoji(random, UnseenFluent(), projected, "_fluent"));
  MIXMATCH_RETURN_IF_ERROR(AskSpeech(random, projected));

  Trial head{&corpus, results, Input::kFixed, seed, "_head_alone"};
  MIXMATCH_RETURN_IF_ERROR(MeasureHead(head, with_trunk ? "" : "_joint_offline", !(flags.brief && with_trunk)));
  if (Has(corpus, "emoji") && !flags.brief) {
    MIXMATCH_ASSIGN_OR_RETURN(const Space fluent, Learn(head, EmojiEvents(corpus, UnseenFluent())));
    MIXMATCH_RETURN_IF_ERROR(AskEmoji(head, UnseenFluent(), fluent, "_fluent"));
  }
  if (with_trunk) {
    Trial whole{&corpus, results, Input::kJoined, seed, ""};
    MIXMATCH_RETURN_IF_ERROR(MeasureHead(whole, "_joint_offline", /*whole=*/true));
  }
  if (seed != 1) return absl::OkStatus();  // What follows does not depend on it.
  if (with_trunk) {
    Trial alone{&corpus, results, Input::kJoined, seed, "_trunk_alone"};
    MIXMATCH_RETURN_IF_ERROR(AskEmoji(alone, UnseenTwitter(), Space::OfTrunk(&corpus), ""));
    MIXMATCH_RETURN_IF_ERROR(AskSpeech(alone, Space::OfTrunk(&corpus)));
    Trial whole{&corpus, results, Input::kJoined, seed, ""};
    MIXMATCH_RETURN_IF_ERROR(MeasureUnlearning(whole, !flags.brief));
    MIXMATCH_RETURN_IF_ERROR(MeasureRefresh(whole, flags.refresh_rows));
    if (flags.brief) return absl::OkStatus();
  }
  if (Has(corpus, "emoji")) MIXMATCH_RETURN_IF_ERROR(MeasureUnlearning(head, !flags.brief));
  return MeasureRefresh(head, flags.refresh_rows);
}

absl::Status Run(const Flags& flags) {
  Corpus corpus;
  for (const std::string& folder : flags.shards) {
    MIXMATCH_RETURN_IF_ERROR(AddShards(folder, Asked, !flags.trunk.empty(), &corpus));
  }
  if (corpus.parts.empty()) return absl::InvalidArgumentError("the shards hold neither emoji nor speech");
  Say(absl::StrCat(corpus.parts.size(), " parts of ", corpus.sources.size(), " files"));
  if (!flags.trunk.empty()) {
    MIXMATCH_ASSIGN_OR_RETURN(const auto trunk, ReadTrunk(flags.trunk));
    MIXMATCH_RETURN_IF_ERROR(EncodeWith(
        *trunk, [](size_t done, size_t total) { absl::FPrintF(stderr, "\rtrunk: %d of %d parts", done, total); },
        &corpus));
    Say("");
  }
  Results results;
  for (int seed = 1; seed <= flags.seeds; ++seed) {
    Say(absl::StrCat("seed ", seed, " of ", flags.seeds));
    MIXMATCH_RETURN_IF_ERROR(MeasureSeed(corpus, static_cast<uint64_t>(seed), flags, &results));
  }
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
      "Measures what learning is worth on shards of the emoji and speech corpora.\n"
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
  app.add_flag("--brief", flags.brief, "Leave out what takes longest");
  app.add_option("--json", flags.json, "Write the results to this file");
  CLI11_PARSE(app, argc, argv);
  const absl::Status status = mixmatch::bench::Run(flags);
  if (status.ok()) return 0;
  absl::FPrintF(stderr, "learning_bench: %s\n", status.ToString());
  return 1;
}
