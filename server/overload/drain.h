// Whether the server takes writes, and how many are under way.
#ifndef MIXMATCH_SERVER_OVERLOAD_DRAIN_H_
#define MIXMATCH_SERVER_OVERLOAD_DRAIN_H_

#include <atomic>
#include <cstdint>
#include <functional>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace mixmatch::server {

// Thread-safe.
class Drain {
 public:
  // A write begins; false: it must not, for writes are refused. After true, EndWrite().
  bool BeginWrite();
  void EndWrite() { --writes_; }

  // Refuses writes from now on, and waits until none is under way: DEADLINE_EXCEEDED with how many still are, CANCELLED where
  // `cancelled` says so (asked now and then). Writes stay refused either way.
  absl::Status Begin(absl::Time deadline, const std::function<bool()>& cancelled);
  // Takes writes again.
  void End() { Set(false); }
  bool draining() const { return draining_; }

  // Told of each change of draining(), one at a time. Set it before any Begin; null: nobody is.
  void OnChange(std::function<void(bool draining)> tell);

 private:
  void Set(bool draining);

  std::atomic<bool> draining_{false};
  std::atomic<int64_t> writes_{0};
  absl::Mutex telling_;
  std::function<void(bool)> tell_ ABSL_GUARDED_BY(telling_);
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_OVERLOAD_DRAIN_H_
