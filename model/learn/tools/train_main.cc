// mixmatch-train: trains a trunk on shards, from scratch or from another trunk, in seeded steps that can be resumed.
// Needs LibTorch (1.13 or 2.x), abseil, nlohmann-json and CLI11 only.
#include <ATen/Parallel.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "model/cpu.h"
#include "model/learn/shard.h"
#include "model/learn/trunk_trainer.h"
#include "model/tensors/files.h"
#include "model/trunk/trunk.h"

namespace mixmatch::model {
namespace {

constexpr int kProbeQueries = 1000;  // At most.

struct Options {
  std::vector<std::string> shards;
  std::string out, init, state, config = "small", holdout, spell = "phones", device = "cpu";
  std::vector<std::string> weights;  // "corpus=number"
  std::string repeat;                // "key=beginning:number"
  int64_t steps = 1000;
  int64_t stop_after = 0;  // 0: at the end.
  int batch = 64;
  int threads = 1;
  int save_every = 200;
  bool proxies = true;
  TrunkTrainerOptions trainer;
};

struct Corpus {
  std::vector<TrainingEvent> events;
  std::vector<double> weights;  // Of each event.
  int symbols = 0;              // That spellings are made of.
  // The probe: parts that are left out of training, and the first text of every event.
  std::vector<TrainingPart> queries, texts;
  std::vector<int> query_event, text_event;
};

absl::StatusOr<double> WeightOf(const std::vector<std::string>& weights, const std::string& corpus) {
  for (const std::string& entry : weights) {
    const std::vector<std::string> halves = absl::StrSplit(entry, '=');
    double weight = 0;
    if (halves.size() != 2 || !absl::SimpleAtod(halves[1], &weight) || weight < 0) {
      return absl::InvalidArgumentError(absl::StrCat("--weight: got ", entry, ", wanted CORPUS=NUMBER"));
    }
    if (halves[0] == corpus) return weight;
  }
  return 1.0;
}

// Rows whose metadata begins like that are drawn so many times as often.
struct Repeat {
  std::string key, beginning;
  int times = 1;

  int Of(const nlohmann::json& row) const {
    return times > 1 && absl::StartsWith(row.value(key, ""), beginning) ? times : 1;
  }
};

absl::StatusOr<Repeat> RepeatOf(const std::string& entry) {
  if (entry.empty()) return Repeat{};
  const std::pair<std::string, std::string> halves = absl::StrSplit(entry, absl::MaxSplits('=', 1));
  const std::pair<std::string, std::string> ends = absl::StrSplit(halves.second, absl::MaxSplits(':', 1));
  Repeat repeat{halves.first, ends.first, 0};
  if (!absl::SimpleAtoi(ends.second, &repeat.times) || repeat.times < 1 || repeat.times > 100) {
    return absl::InvalidArgumentError(absl::StrCat("--repeat: got ", entry, ", wanted KEY=BEGINNING:NUMBER, 1 to 100"));
  }
  return repeat;
}

// Characters of UTF-8 text.
std::vector<std::string> Characters(const std::string& text) {
  std::vector<std::string> characters;
  for (const char byte : text) {
    if (characters.empty() || (byte & 0xC0) != 0x80) characters.emplace_back();
    characters.back() += byte;
  }
  return characters;
}

// What a part says, by its event's number and its place there.
using Spellings = std::map<std::pair<int, size_t>, std::string>;

// Numbers the characters of all spellings in their order: the same for the same corpora.
void NumberSpellings(const Spellings& spellings, Corpus* corpus) {
  std::map<std::string, int> numbers;
  for (const auto& [part, text] : spellings) {
    for (const std::string& character : Characters(text)) numbers[character] = 0;
  }
  for (auto& [character, number] : numbers) number = ++corpus->symbols;
  for (const auto& [part, text] : spellings) {
    for (const std::string& character : Characters(text)) {
      corpus->events[part.first].parts[part.second].spelling.push_back(numbers[character]);
    }
  }
}

// Adds what may be learned from (metadata split = train) and the probe's parts.
absl::Status AddShard(const std::string& path, const Options& options, const Repeat& repeat, Corpus* corpus,
                      Spellings* spellings) {
  absl::StatusOr<Shard> shard = Shard::ReadFile(path);
  if (!shard.ok()) return shard.status();
  std::vector<nlohmann::json> rows;
  for (const std::string& row : shard->rows) rows.push_back(nlohmann::json::parse(row).value("metadata", nlohmann::json::object()));
  const std::pair<std::string, std::string> holdout = absl::StrSplit(options.holdout, absl::MaxSplits('=', 1));
  std::map<int, TrainingEvent> events;
  std::map<int, std::string> corpora;
  for (ShardPart& part : shard->parts) {
    const nlohmann::json& row = rows[part.row];
    const int number = static_cast<int>(corpus->events.size()) + part.event;
    TrainingPart training{part.slot, std::move(part.tokens)};
    if (!options.holdout.empty() && row.value(holdout.first, "") == holdout.second) {
      corpus->queries.push_back(std::move(training));
      corpus->query_event.push_back(number);
      continue;
    }
    if (row.value("split", "train") != "train") continue;
    if (part.slot == 0 && (corpus->text_event.empty() || corpus->text_event.back() != number)) {
      corpus->texts.push_back(training);
      corpus->text_event.push_back(number);
    }
    corpora[part.event] = row.value("corpus", "");
    const std::string spelling = row.value(options.spell, "");
    for (int left = repeat.Of(row); left > 0; --left) {
      if (!spelling.empty()) (*spellings)[{number, events[part.event].parts.size()}] = spelling;
      events[part.event].parts.push_back(training);
    }
  }
  for (size_t e = 0; e < shard->events.size(); ++e) {
    absl::StatusOr<double> weight = WeightOf(options.weights, corpora[e]);
    if (!weight.ok()) return weight.status();
    TrainingEvent& event = events[e];
    event.id = corpus->events.size();
    corpus->weights.push_back(event.parts.size() < 2 ? 0.0 : *weight);
    corpus->events.push_back(std::move(event));
  }
  return absl::OkStatus();
}

absl::StatusOr<Corpus> ReadCorpus(const Options& options) {
  std::vector<std::string> files;
  for (const std::string& path : options.shards) {
    if (!std::filesystem::is_directory(path)) {
      files.push_back(path);
      continue;
    }
    const std::vector<std::string> inside = ShardFiles(path);
    files.insert(files.end(), inside.begin(), inside.end());
  }
  std::sort(files.begin(), files.end());
  Corpus corpus;
  Spellings spellings;
  const absl::StatusOr<Repeat> repeat = RepeatOf(options.repeat);
  if (!repeat.ok()) return repeat.status();
  for (const std::string& file : files) {
    if (absl::Status status = AddShard(file, options, *repeat, &corpus, &spellings); !status.ok()) return status;
  }
  NumberSpellings(spellings, &corpus);
  const auto usable = std::count_if(corpus.weights.begin(), corpus.weights.end(), [](double w) { return w > 0; });
  if (usable < options.batch) {
    return absl::InvalidArgumentError(absl::StrCat("--shards: got ", usable, " events of two parts or more, wanted at least ",
                                                   options.batch, " (--batch)"));
  }
  std::fprintf(stderr, "%zu files, %ld events to learn from, %zu parts spelled by %d symbols, %zu probe queries among %zu texts\n",
               files.size(), static_cast<long>(usable), spellings.size(), corpus.symbols, corpus.queries.size(), corpus.texts.size());
  return corpus;
}

// A batch is a function of the seed and the step: a run that was interrupted goes on as if it had not been.
std::vector<TrainingEvent> Batch(const Corpus& corpus, std::discrete_distribution<size_t> pick, uint64_t seed, int64_t step,
                                 int size) {
  std::mt19937_64 random(seed * 0x9e3779b97f4a7c15ull + step);
  std::vector<size_t> drawn;
  std::vector<TrainingEvent> batch;
  while (static_cast<int>(batch.size()) < size) {
    const size_t event = pick(random);
    if (std::find(drawn.begin(), drawn.end(), event) != drawn.end()) continue;
    drawn.push_back(event);
    batch.push_back(corpus.events[event]);
  }
  return batch;
}

struct Recall {
  double at1 = 0, at10 = 0;
};

// How often a probe part finds a text of its event.
absl::StatusOr<Recall> Probe(const Trunk& trunk, const Corpus& corpus) {
  const auto encode = [&](const std::vector<TrainingPart>& parts, size_t step) {
    std::vector<TokenView> views;
    for (size_t i = 0; i < parts.size(); i += step) views.push_back({parts[i].slot, parts[i].tokens});
    return trunk.Encode(views);
  };
  const size_t step = 1 + corpus.queries.size() / kProbeQueries, dim = trunk.config().output_dim;
  absl::StatusOr<std::vector<float>> queries = encode(corpus.queries, step), texts = encode(corpus.texts, 1);
  if (!queries.ok()) return queries.status();
  if (!texts.ok()) return texts.status();
  Recall recall;
  const size_t n = queries->size() / dim;
  for (size_t q = 0; q < n; ++q) {
    std::vector<float> scores(corpus.texts.size(), 0);
    float own = -2;
    for (size_t t = 0; t < scores.size(); ++t) {
      for (size_t d = 0; d < dim; ++d) scores[t] += (*queries)[q * dim + d] * (*texts)[t * dim + d];
      if (corpus.text_event[t] == corpus.query_event[q * step]) own = std::max(own, scores[t]);
    }
    const auto better = std::count_if(scores.begin(), scores.end(), [&](float s) { return s > own; });
    recall.at1 += better < 1;
    recall.at10 += better < 10;
  }
  return Recall{recall.at1 / n, recall.at10 / n};
}

absl::StatusOr<std::shared_ptr<const Trunk>> FirstTrunk(const Options& options) {
  if (!options.init.empty()) {
    absl::StatusOr<std::string> bytes = ReadWholeFile(options.init);
    if (!bytes.ok()) return bytes.status();
    absl::StatusOr<std::shared_ptr<const Trunk>> trunk = Trunk::FromBytes(*bytes);
    if (!trunk.ok()) return trunk;
    return Trunk::WithStems(*std::move(trunk), TrunkConfig::Small().stems);
  }
  absl::StatusOr<TrunkConfig> config = TrunkConfig::Named(options.config);
  if (!config.ok()) return config.status();
  config->seed = options.trainer.seed;
  return Trunk::Create(*config);
}

absl::Status SaveAll(const Options& options, TrunkTrainer& trainer) {
  absl::StatusOr<std::string> state = trainer.Save();
  if (!state.ok()) return state.status();
  absl::StatusOr<std::shared_ptr<const Trunk>> trunk = trainer.Snapshot();
  if (!trunk.ok()) return trunk.status();
  if (absl::Status status = ReplaceFile(options.out, (*trunk)->ToBytes()); !status.ok()) return status;
  return ReplaceFile(options.state, *state);
}

absl::Status Train(const Options& options) {
  absl::StatusOr<Corpus> corpus = ReadCorpus(options);
  if (!corpus.ok()) return corpus.status();
  absl::StatusOr<std::shared_ptr<const Trunk>> first = FirstTrunk(options);
  if (!first.ok()) return first.status();
  TrunkTrainerOptions trainer_options = options.trainer;
  if (options.proxies) trainer_options.proxies = static_cast<int>(corpus->events.size());
  trainer_options.symbols = corpus->symbols;
  absl::StatusOr<std::unique_ptr<TrunkTrainer>> trainer = TrunkTrainer::Create(*first, trainer_options);
  if (!trainer.ok()) return trainer.status();
  if (absl::StatusOr<std::string> state = ReadWholeFile(options.state); state.ok()) {
    if (absl::Status status = (*trainer)->Load(*state); !status.ok()) return status;
    std::fprintf(stderr, "goes on after step %ld\n", static_cast<long>((*trainer)->steps()));
  }
  const std::discrete_distribution<size_t> pick(corpus->weights.begin(), corpus->weights.end());
  const auto begin = std::chrono::steady_clock::now();
  const int64_t first_step = (*trainer)->steps();
  double loss = 0;
  const int64_t end = options.stop_after > 0 ? std::min(options.stop_after, options.steps) : options.steps;
  for (int64_t step = first_step; step < end; ++step) {
    // A cosine to a hundredth of the rate (Loshchilov & Hutter 2017).
    (*trainer)->SetRate(0.01 + 0.99 * 0.5 * (1 + std::cos(3.141592653589793 * step / options.steps)));
    absl::StatusOr<double> value =
        (*trainer)->Step(Batch(*corpus, pick, options.trainer.seed, step, options.batch));
    if (!value.ok()) return value.status();
    loss = step == first_step ? *value : loss + 0.05 * (*value - loss);
    if ((step + 1) % options.save_every != 0 && step + 1 != end) continue;
    if (absl::Status status = SaveAll(options, **trainer); !status.ok()) return status;
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    const double left = seconds / (step + 1 - first_step) * (options.steps - step - 1);
    std::fprintf(stderr, "step %ld/%ld  loss %.3f  %.2f s a step  %.0f min left", static_cast<long>(step + 1),
                 static_cast<long>(options.steps), loss, seconds / (step + 1 - first_step), left / 60);
    if (!corpus->queries.empty()) {
      absl::StatusOr<Recall> recall = Probe(**(*trainer)->Snapshot(), *corpus);
      if (!recall.ok()) return recall.status();
      std::fprintf(stderr, "  probe R@1 %.3f R@10 %.3f", recall->at1, recall->at10);
    }
    std::fprintf(stderr, "\n");
  }
  return absl::OkStatus();
}

int Main(int argc, char** argv) {
  Options o;
  o.trainer.distillation = 0;
  o.trainer.learning_rate = 1e-3;
  o.trainer.temperature = 0.07;
  o.trainer.weight_decay = 0.05;
  o.trainer.parts_per_event = 4;
  o.trainer.augment = true;
  o.trainer.bf16 = CpuHasBf16();
  CLI::App app("Trains a trunk on shards that mixmatch-shards wrote. Goes on where it was interrupted.");
  app.footer("Example:\n  mixmatch-train --shards shards/emoji --shards shards/speech --out base.safetensors --steps 10000");
  app.add_option("--shards", o.shards, "Shard files, or folders of them; may be repeated")->required();
  app.add_option("--out", o.out, "Where the trunk goes")->required();
  app.add_option("--state", o.state, "Where the training state is kept (default: OUT.state)");
  app.add_option("--init", o.init, "A trunk to start from (default: random weights); stems that it lacks begin anew");
  app.add_option("--config", o.config, "Size of a new trunk")->check(CLI::IsMember({"tiny", "small", "base"}))->capture_default_str();
  app.add_option("--steps", o.steps, "Steps in all; the rate falls to nothing over them")->capture_default_str();
  app.add_option("--stop-after", o.stop_after, "Save and end after this step; the same command without it goes on");
  app.add_option("--batch", o.batch, "Events a step")->check(CLI::Range(2, 1024))->capture_default_str();
  app.add_option("--parts", o.trainer.parts_per_event, "Parts drawn of an event")->check(CLI::Range(2, 16))->capture_default_str();
  app.add_option("--memory", o.trainer.memory, "Rows of earlier steps that are negatives too")->capture_default_str();
  app.add_option("--rate", o.trainer.learning_rate, "Highest learning rate")->capture_default_str();
  app.add_option("--temperature", o.trainer.temperature, "Of the contrast")->capture_default_str();
  app.add_option("--average", o.trainer.average, "Decay a step of the average that is written; 0: none")->capture_default_str();
  app.add_option("--seed", o.trainer.seed, "Of weights, draws and altered views")->capture_default_str();
  app.add_option("--weight", o.weights, "CORPUS=NUMBER: how often its events are drawn (default 1); may be repeated");
  app.add_option("--repeat", o.repeat, "KEY=BEGINNING:NUMBER: rows whose metadata begins so are drawn so many times as often "
                 "as the others of their kind in an event");
  app.add_option("--holdout", o.holdout, "KEY=VALUE of rows to leave out and to search texts with, as a probe");
  app.add_option("--spell", o.spell, "Key of the metadata that says how a sound is pronounced, a character a sound; "
                 "sounds that have it learn to spell it too; '' for none")->capture_default_str();
  app.add_option("--spelling-weight", o.trainer.spelling, "Of spelling beside the contrast")->capture_default_str();
  app.add_option("--threads", o.threads, "Of LibTorch")->capture_default_str();
  app.add_option("--save-every", o.save_every, "Steps between saves and reports")->check(CLI::Range(1, 1000000))->capture_default_str();
  app.add_flag("--proxies,!--no-proxies", o.proxies, "Every event a negative in every step (default)");
  app.add_flag("--augment,!--no-augment", o.trainer.augment, "Train on altered views (default)");
  app.add_option("--device", o.device, "cpu, or cuda: the first GPU")->check(CLI::IsMember({"cpu", "cuda"}))->capture_default_str();
  const CLI::Option* bf16 =
      app.add_flag("--bf16,!--no-bf16", o.trainer.bf16, "Products in bfloat16 (default: where the CPU has it, and on a GPU)");
  CLI11_PARSE(app, argc, argv);
  o.trainer.cuda = o.device == "cuda";
  if (o.trainer.cuda && bf16->count() == 0) o.trainer.bf16 = true;
  if (o.state.empty()) o.state = o.out + ".state";
  at::set_num_threads(o.threads);
  if (absl::Status status = Train(o); !status.ok()) {
    std::fprintf(stderr, "mixmatch-train: %s\n", status.ToString().c_str());
    return 1;
  }
  return 0;
}

}  // namespace
}  // namespace mixmatch::model

int main(int argc, char** argv) { return mixmatch::model::Main(argc, argv); }
