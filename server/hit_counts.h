// How often searches found a part of late: which parts are most useful.
#ifndef MIXMATCH_SERVER_HIT_COUNTS_H_
#define MIXMATCH_SERVER_HIT_COUNTS_H_

#include <cstddef>
#include <cstdint>

#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"

namespace mixmatch::server {

// Counts of at most `most` parts. All are halved, and what was counted once is forgotten, when there are more parts than
// that, and again after every eight times as many hits; so what was found long ago fades. In memory alone: a restart
// forgets. Thread-safe.
class HitCounts {
 public:
  explicit HitCounts(size_t most = 65'536) : most_(most) {}

  void Add(absl::Span<const uint64_t> part_ids);
  uint32_t Of(uint64_t part_id) const;  // 0 of one that is not known.
  size_t size() const;

 private:
  void Halve() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const size_t most_;
  mutable absl::Mutex mutex_;
  absl::flat_hash_map<uint64_t, uint32_t> counts_ ABSL_GUARDED_BY(mutex_);
  size_t since_halved_ ABSL_GUARDED_BY(mutex_) = 0;  // Hits.
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_HIT_COUNTS_H_
