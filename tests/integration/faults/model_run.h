// A run of the model test: servers that live and die over one data directory, under clients that know what must be
// there.
#ifndef MIXMATCH_TESTS_INTEGRATION_FAULTS_MODEL_RUN_H_
#define MIXMATCH_TESTS_INTEGRATION_FAULTS_MODEL_RUN_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "tests/integration/faults/faulty_disk.h"
#include "tests/integration/faults/findings.h"
#include "tests/integration/faults/keeper.h"
#include "tests/integration/server_process.h"

namespace mixmatch {

struct ModelPlan {
  uint32_t seed = 0;
  int64_t operations = 3000;  // Calls of all clients together.
  int64_t kills = 12;
  int64_t items = 400;        // About so many are kept.
  bool power_cuts = false;    // Each kill also takes what was not synced.
  int short_writes_of_1024 = 0;  // Share of the server's writes that write less than they were given.
};

class ModelRun {
 public:
  explicit ModelRun(const ModelPlan& plan);

  // Until the kills and operations are done, or something is wrong.
  void All();

  const Findings& findings() const { return findings_; }
  // One line for people.
  std::string Summary() const;
  // The same as a JSON object.
  std::string Json() const;

 private:
  // One life of the server: with learning as chance has it.
  struct Life {
    std::vector<std::string> flags;
    bool exact = true;
  };

  double Chance();
  Life NextLife();
  void EachKeeper(const std::function<void(Keeper&)>& work);
  std::unique_ptr<ServerProcess> Server(const Life& life);
  bool Begin(ServerProcess& server, const Life& life, bool bytes);
  void CheckFigures(const std::string& address);
  void Work(ServerProcess& server, const std::function<void()>& end);
  void Kill(ServerProcess& server);
  void LiveAndDie();
  void LiveToTheEnd();

  const ModelPlan plan_;
  std::mt19937 random_;
  ScratchDir dir_;
  std::optional<FaultyDisk> disk_;
  Findings findings_;
  std::vector<std::unique_ptr<Keeper>> keepers_;
  int64_t calls_ = 0;
  int64_t kills_ = 0;
  int64_t early_kills_ = 0;  // While the server started.
  int64_t stops_ = 0;
  int64_t bytes_dropped_ = 0;
  int64_t names_undone_ = 0;
  double seconds_ = 0.0;
};

}  // namespace mixmatch

#endif  // MIXMATCH_TESTS_INTEGRATION_FAULTS_MODEL_RUN_H_
