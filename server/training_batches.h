// Draws the events of a training step of the trunk from the store.
#ifndef MIXMATCH_SERVER_TRAINING_BATCHES_H_
#define MIXMATCH_SERVER_TRAINING_BATCHES_H_

#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "index/store/store.h"
#include "model/learn/trunk_trainer.h"

namespace mixmatch::server {

// Half of a batch comes from the events since the published trunk, where there are enough of them, the rest evenly from the
// whole store; so what is new is learned soon and what is old is not forgotten (model/learn/README.md). Of an event one
// group is drawn, in proportion to the links' weights. No part is twice in a batch, and no item in two events of it: they
// would be contrasted with themselves. Of one thread.
class TrainingBatches {
 public:
  // Events a batch, 2 or more, where the store has so many.
  TrainingBatches(const index::Store& store, int batch_events, uint64_t seed);

  // Looks at the store again: which events there are, and which are newer than `published`.
  absl::Status Read(absl::Time published);
  // How many there are to draw from; a long film or document counts as several.
  size_t size() const { return events_.size(); }

  // Events of two parts or more, with their tokens; id is the EventHash. Those that are gone by now, or whose tokens are,
  // are left out.
  absl::StatusOr<std::vector<model::TrainingEvent>> Draw();

 private:
  using Parts = std::vector<std::pair<int, uint64_t>>;  // (slot, part id)
  // What a batch holds already.
  struct Held {
    std::set<uint64_t> parts;
    std::map<uint64_t, std::string> items;  // Item -> its event.
  };
  absl::StatusOr<Parts> DrawGroup(const std::string& event_id);
  static bool Holds(const Held& held, const std::string& event_id, const Parts& parts);
  absl::Status Add(const std::string& event_id, Held& held, std::vector<model::TrainingEvent>& batch);

  const index::Store& store_;
  const size_t batch_events_;
  std::mt19937_64 random_;
  std::vector<std::string> events_, new_events_;  // As often as they are to be drawn.
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_TRAINING_BATCHES_H_
