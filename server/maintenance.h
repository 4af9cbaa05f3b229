// Keeps the indexes in shape: turns full memtables into segments, rewrites segments of many tombstones.
#ifndef MIXMATCH_SERVER_MAINTENANCE_H_
#define MIXMATCH_SERVER_MAINTENANCE_H_

#include <thread>

#include "absl/synchronization/mutex.h"
#include "server/live_index.h"

namespace mixmatch::server {

// One thread of low priority. Searches and writes go on meanwhile.
class Maintenance {
 public:
  explicit Maintenance(LiveIndex& live) : live_(live) {}
  ~Maintenance() { Stop(); }
  void Start();
  void Stop();

 private:
  void Run();
  LiveIndex& live_;
  absl::Mutex mutex_;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_MAINTENANCE_H_
