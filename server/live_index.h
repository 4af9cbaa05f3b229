// What searches use: one generation of encoder and index, swapped as a whole.
#ifndef MIXMATCH_SERVER_LIVE_INDEX_H_
#define MIXMATCH_SERVER_LIVE_INDEX_H_

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "index/vector/segmented_index.h"
#include "server/encoder.h"

namespace mixmatch::server {

// A published generation. The encoder is immutable; the indexes, one a slot, take writes of the same generation.
struct Serving {
  uint64_t generation = 0;
  Encoder encoder;
  std::vector<std::shared_ptr<index::SegmentedIndex>> slots;
};

// Thread-safe. Searches take Current() and never wait. Writes run beside each other and beside the building of the next
// generation; what they change meanwhile is brought to the next generation before it is swapped in.
class LiveIndex {
 public:
  explicit LiveIndex(std::shared_ptr<const Serving> first) : current_(std::move(first)) {}

  std::shared_ptr<const Serving> Current() const;

  // Brings `parts`, encoded by generation `encoded_by`, to the current one, calls `commit` with it, and on OK makes them
  // searchable. Nothing is changed if `commit` fails. No swap happens in between. All parts of a call are of one item; calls
  // for one item wait for each other, so that the index ends as the store does.
  absl::Status Add(std::vector<EncodedPart> parts, uint64_t encoded_by,
                   const std::function<absl::Status(const Serving&, absl::Span<const EncodedPart>)>& commit);

  // The same for parts to take out, given as (slot, part id).
  absl::Status Remove(absl::Span<const std::pair<int, uint64_t>> parts, const std::function<absl::Status()>& commit);

  // Publication, one at a time: Begin before the store is read, Finish with what was built, or Abandon. `next` has indexes
  // of its own: those of the generation before are maintained no more.
  void BeginPublication();
  absl::Status FinishPublication(std::shared_ptr<const Serving> next);
  void AbandonPublication();

 private:
  struct Change {
    bool removed = false;
    EncodedPart part;
  };
  static absl::Status CatchUp(const Serving& next, uint64_t old_trunk, std::vector<Change>& changes);

  absl::Mutex* ItemMutex(uint64_t part_id) { return &item_mutexes_[(part_id >> 16) % item_mutexes_.size()]; }

  // Held shared by writes, alone by Begin and Finish. Order: before those of items, changes_mutex_ and current_mutex_.
  absl::Mutex publication_;
  // From before the commit of an item's parts until the index has them: what is committed can be deleted by anyone.
  std::array<absl::Mutex, 64> item_mutexes_;
  mutable absl::Mutex current_mutex_;
  std::shared_ptr<const Serving> current_ ABSL_GUARDED_BY(current_mutex_);
  absl::Mutex changes_mutex_;
  bool tracking_ ABSL_GUARDED_BY(changes_mutex_) = false;
  std::vector<Change> changes_ ABSL_GUARDED_BY(changes_mutex_);  // Since BeginPublication.
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_LIVE_INDEX_H_
