// Describes parts again whose features were taken out of the store (feature_versions.h), in the background.
#ifndef MIXMATCH_SERVER_REDESCRIPTION_H_
#define MIXMATCH_SERVER_REDESCRIPTION_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/store/store.h"
#include "server/catalog.h"
#include "server/learner.h"
#include "server/reindex.h"

namespace mixmatch::server {

// One thread of low priority, which ends when all is done. A part is searched again as soon as it has been described; events
// are learned again once all are. After a restart it goes on where it was: what lacks features tells. An item that cannot be
// read any more, or would be cut into other parts, is named in the log and stays without.
class Redescription {
 public:
  Redescription(index::Store& store, Catalog& catalog, Learner& learner, Reindex& reindex)
      : store_(store), catalog_(catalog), learner_(learner), reindex_(reindex) {}
  ~Redescription();  // Stops.

  // Looks for items that lack features of parts of these slots; before calls are answered, which tell of them.
  absl::Status Find(std::vector<int> slots);
  // Begins if there were slots.
  void Start();
  void Stop();

 private:
  absl::Status Run();
  // Whether a part of the item lacks features.
  absl::StatusOr<bool> Lacks(uint64_t item_id) const;

  index::Store& store_;
  Catalog& catalog_;
  Learner& learner_;
  Reindex& reindex_;
  std::vector<int> slots_;
  std::vector<uint64_t> waiting_;  // Items.
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_REDESCRIPTION_H_
