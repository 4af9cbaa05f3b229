// Ways to give parts comparable vectors: the columns of the benchmark's table.
#ifndef MIXMATCH_TESTS_BENCH_LEARNING_SPACE_H_
#define MIXMATCH_TESTS_BENCH_LEARNING_SPACE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/head/associative_head.h"
#include "model/head/head_maps.h"
#include "tests/bench/learning/corpus.h"
#include "tests/bench/learning/metrics.h"

namespace mixmatch::bench {

// What a head sees of a part: what the server gives it is kJoined, fixed features with the trunk's output behind them.
enum class Input { kFixed, kJoined };

// Feature lengths by slot. Every part of the corpus must have a trunk's output for kJoined.
std::vector<int> InputDims(const Corpus& corpus, Input input);

// Immutable.
class Space {
 public:
  // Of a head's maps.
  static Space OfMaps(const Corpus* corpus, Input input, std::shared_ptr<const model::HeadMaps> maps);
  // The trunk's output as it is.
  static Space OfTrunk(const Corpus* corpus);

  absl::StatusOr<Vectors> Embed(const std::vector<PartId>& parts) const;

 private:
  const Corpus* corpus_ = nullptr;
  Input input_ = Input::kFixed;
  std::shared_ptr<const model::HeadMaps> maps_;  // Null: the trunk.
};

// A head that learns events of the corpus's parts; its ridges are chosen from them.
class HeadLearner {
 public:
  static absl::StatusOr<HeadLearner> Create(const Corpus* corpus, Input input, uint64_t seed);

  absl::Status Add(const Events& events, double weight = 1.0);
  absl::Status Remove(const Events& events);
  // See AssociativeHead::Solve. Ridges are chosen when due, and after ForgetSolution, from the seed: as a server does.
  absl::StatusOr<Space> Solve(int iterations = 0);
  void ForgetSolution();
  // What was learned, with the last solution, to go back to; also by a learner of another seed.
  absl::StatusOr<std::string> Save() { return head_->Save(); }
  absl::Status Load(const std::string& state) { return head_->Load(state); }

 private:
  absl::Status Change(const Events& events, bool add, double weight);

  const Corpus* corpus_ = nullptr;
  Input input_ = Input::kFixed;
  std::unique_ptr<model::AssociativeHead> head_;
  bool forgot_ = false;
};

}  // namespace mixmatch::bench

#endif  // MIXMATCH_TESTS_BENCH_LEARNING_SPACE_H_
