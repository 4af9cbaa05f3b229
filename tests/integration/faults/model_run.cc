#include "tests/integration/faults/model_run.h"

#include <algorithm>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/integration/api.h"

namespace mixmatch {
namespace {

constexpr int kKeepers = 4;
constexpr absl::Duration kLook = absl::Milliseconds(1);  // Between two looks at how many calls are left.
constexpr double kTrainsFrom = 0.8;                      // Share of the kills from which on the trunk may train.
constexpr double kEarly = 0.15;                          // Share of starts that are cut off.
constexpr double kStops = 0.1;                           // Share of lives that end by SIGTERM.
constexpr int64_t kBytesEvery = 20;                      // Kills between two looks at every byte.

}  // namespace

ModelRun::ModelRun(const ModelPlan& plan) : plan_(plan), random_(plan.seed) {
  if (plan.power_cuts || plan.short_writes_of_1024 > 0) {
    disk_.emplace(dir_.path() + "/data", dir_.path() + "/disk");
    disk_->control().short_writes_of_1024 = static_cast<uint32_t>(plan.short_writes_of_1024);
    disk_->control().seed = plan.seed;
  }
  for (int i = 0; i < kKeepers; ++i) {
    KeeperOptions options;
    options.seed = static_cast<uint32_t>(random_());
    options.items = static_cast<size_t>(plan.items / kKeepers);
    options.steers = i == 0;
    keepers_.push_back(std::make_unique<Keeper>(absl::StrCat("keeper", i), options, findings_));
  }
}

void ModelRun::All() {
  const absl::Time start = absl::Now();
  while (kills_ < plan_.kills && !findings_.some()) LiveAndDie();
  if (!findings_.some()) LiveToTheEnd();
  seconds_ = absl::ToDoubleSeconds(absl::Now() - start);
}

std::string ModelRun::Summary() const {
  std::string line = absl::StrCat("seed ", plan_.seed, ": ", calls_, " operations, ", kills_, " kills (", early_kills_,
                                  " of them while it started), ", stops_, " stops, ", seconds_, " s");
  if (plan_.power_cuts) {
    absl::StrAppend(&line, "; ", bytes_dropped_, " bytes dropped, ", names_undone_, " names undone");
  }
  return line;
}

std::string ModelRun::Json() const {
  return absl::StrCat("{\"seed\": ", plan_.seed, ", \"operations\": ", calls_, ", \"kills\": ", kills_,
                      ", \"early_kills\": ", early_kills_, ", \"stops\": ", stops_, ", \"losses\": ",
                      findings_.all().size(), ", \"seconds\": ", seconds_, "}\n");
}

double ModelRun::Chance() { return std::uniform_real_distribution<double>()(random_); }

ModelRun::Life ModelRun::NextLife() {
  Life life;
  life.flags = {"--checkpoint-seconds", "1",  "--learn-interval-seconds", "0",
                "--memtable-limit",     "64", "--decoders",               "1"};
  const double chance = Chance();
  const bool may_train = static_cast<double>(kills_) >= kTrainsFrom * static_cast<double>(plan_.kills);
  life.exact = !may_train;
  if (chance < 0.25) {
    life.flags.insert(life.flags.end(), {"--learning", "off"});
  } else if (may_train) {
    life.flags.insert(life.flags.end(), {"--train-idle-seconds", "0", "--publish-steps", "2", "--min-probe-events", "2",
                                         "--train-batch", "4", "--publish-anchors", "50"});
  } else {
    life.flags.insert(life.flags.end(), {"--slow-learning", "off"});
  }
  return life;
}

void ModelRun::EachKeeper(const std::function<void(Keeper&)>& work) {
  std::vector<std::thread> threads;
  for (const auto& keeper : keepers_) threads.emplace_back([&work, &keeper] { work(*keeper); });
  for (std::thread& thread : threads) thread.join();
}

std::unique_ptr<ServerProcess> ModelRun::Server(const Life& life) {
  if (disk_.has_value()) disk_->Begin();
  return std::make_unique<ServerProcess>(dir_.path() + "/data", life.flags,
                                         disk_.has_value() ? disk_->environment() : std::vector<std::string>());
}

void ModelRun::Kill(ServerProcess& server) {
  server.Kill();
  ++kills_;
  if (!plan_.power_cuts) return;
  const Unsynced left = kills_ % 2 == 0 ? Unsynced::kNothing : Unsynced::kSome;
  const PowerCut cut = disk_->Cut(static_cast<uint32_t>(random_()), left);
  bytes_dropped_ += cut.bytes_dropped;
  names_undone_ += cut.names_undone;
  disk_->Begin();
}

// A server that starts without help and has everything.
bool ModelRun::Begin(ServerProcess& server, const Life& life, bool bytes) {
  if (!server.Start()) {
    findings_.Add(absl::StrCat("the server did not start again:\n", server.LogTail()));
    return false;
  }
  EachKeeper([&](Keeper& keeper) {
    keeper.Meet(server.address(), life.exact);
    keeper.CheckAll(bytes);
  });
  if (!findings_.some()) CheckFigures(server.address());
  return !findings_.some();
}

// Counts agree with what is listed, and the learner, the index and search with each other on the generation.
void ModelRun::CheckFigures(const std::string& address) {
  Api api(address);
  const auto items = api.ListAll({}, 1000);
  uint64_t parts = 0, wanted = 0;
  if (!items.ok()) return findings_.Add(items.status().ToString());
  for (const v1::Item& item : *items) parts += item.part_count();
  for (const auto& keeper : keepers_) wanted += keeper->truth().items().size();
  const v1::StatsResponse stats = api.Stats();
  if (items->size() != wanted || stats.items() != wanted || stats.parts() != parts) {
    findings_.Add(absl::StrCat("Stats has ", stats.items(), " items and ", stats.parts(), " parts, List ",
                               items->size(), " and ", parts, ", should be ", wanted, " items"));
  }
  const uint64_t before = api.Learning().generation();
  const auto found = api.Search(ByText("anything", 3));
  const uint64_t after = api.Learning().generation();
  if (!found.ok()) return findings_.Add(found.status().ToString());
  if (found->generation() < before || found->generation() > after) {
    findings_.Add(
        absl::StrCat("search is of generation ", found->generation(), ", learning of ", before, " to ", after));
  }
}

void ModelRun::Work(ServerProcess& server, const std::function<void()>& end) {
  const int64_t share = std::max<int64_t>(1, plan_.operations / (plan_.kills + 1));
  std::atomic<int64_t> left{share};
  std::thread ender([&] {
    while (left > 0 && !findings_.some()) absl::SleepFor(kLook);
    // The moment is what this test is about; it is not waited for as a condition.
    absl::SleepFor(absl::Microseconds(static_cast<int64_t>(Chance() * 30'000)));
    if (!findings_.some() && !server.Running()) findings_.Add("the server ended by itself:\n" + server.LogTail());
    end();
  });
  EachKeeper([&](Keeper& keeper) { keeper.Work(left, /*until_gone=*/true); });
  ender.join();
  calls_ += share - left;
}

void ModelRun::LiveAndDie() {
  const Life life = NextLife();
  if (Chance() < kEarly) {
    const auto server = Server(life);
    server->Spawn();
    absl::SleepFor(absl::Microseconds(static_cast<int64_t>(Chance() * 250'000)));
    Kill(*server);
    ++early_kills_;
  }
  const auto server = Server(life);
  if (!Begin(*server, life, /*bytes=*/kills_ % kBytesEvery == 0)) return;
  const bool stop = Chance() < kStops;
  Work(*server, [&] {
    if (!stop) return Kill(*server);
    ++stops_;
    if (const int status = server->Stop(); status != 0) findings_.Add(absl::StrCat("a stop ended with ", status));
  });
}

void ModelRun::LiveToTheEnd() {
  Life life;
  life.flags = {"--slow-learning", "off"};
  life.exact = false;
  const auto server = Server(life);
  if (!Begin(*server, life, /*bytes=*/true)) return;
  const int64_t share = std::max<int64_t>(1, plan_.operations - calls_);
  std::atomic<int64_t> left{share};
  EachKeeper([&](Keeper& keeper) { keeper.Work(left, /*until_gone=*/false); });
  calls_ += share - std::max<int64_t>(0, left);
  if (!findings_.some()) EachKeeper([](Keeper& keeper) { keeper.CheckAll(/*bytes=*/true); });
  if (!findings_.some()) CheckFigures(server->address());
  if (const int status = server->Stop(); status != 0) findings_.Add(absl::StrCat("the last stop ended with ", status));
}

}  // namespace mixmatch
