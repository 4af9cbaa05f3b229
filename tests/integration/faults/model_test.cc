// Random calls of several clients, with kill -9 in the middle of them, against a plain model of what must be there.
// Sizes and seed come from the environment: see README.md.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>
#include <iostream>
#include <random>
#include <string>

#include "tests/integration/faults/model_run.h"

namespace mixmatch {
namespace {

int64_t FromEnvironment(const char* name, int64_t otherwise) {
  const char* given = getenv(name);
  return given == nullptr || *given == '\0' ? otherwise : std::stoll(given);
}

ModelPlan Planned() {
  ModelPlan plan;
  plan.seed = static_cast<uint32_t>(FromEnvironment("MIXMATCH_MODEL_SEED", std::random_device()()));
  plan.operations = FromEnvironment("MIXMATCH_MODEL_OPERATIONS", plan.operations);
  plan.kills = FromEnvironment("MIXMATCH_MODEL_KILLS", plan.kills);
  plan.items = FromEnvironment("MIXMATCH_MODEL_ITEMS", plan.items);
  std::cout << "seed " << plan.seed << " (set MIXMATCH_MODEL_SEED to run it again), " << plan.operations
            << " operations, " << plan.kills << " kills" << std::endl;
  return plan;
}

void RunAll(const ModelPlan& plan) {
  ModelRun run(plan);
  run.All();
  std::cout << run.Summary() << std::endl;
  if (const char* json = getenv("MIXMATCH_MODEL_JSON"); json != nullptr) std::ofstream(json) << run.Json();
  for (const std::string& finding : run.findings().all()) ADD_FAILURE() << "seed " << plan.seed << ": " << finding;
}

TEST(ModelTest, NothingAcknowledgedIsLostAndNothingDeletedIsSeenWheneverTheServerIsKilled) { RunAll(Planned()); }

}  // namespace
}  // namespace mixmatch
