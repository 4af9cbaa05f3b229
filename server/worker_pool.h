// A few threads and a bounded queue, for work that must not run on the threads of gRPC.
#ifndef MIXMATCH_SERVER_WORKER_POOL_H_
#define MIXMATCH_SERVER_WORKER_POOL_H_

#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"

namespace mixmatch::server {

// Thread-safe. The destructor finishes what was taken.
class WorkerPool {
 public:
  WorkerPool(int threads, size_t queue, int niceness);
  ~WorkerPool();

  // Runs `work` on a thread of the pool and returns its status. RESOURCE_EXHAUSTED when the queue is full.
  absl::Status Run(std::function<absl::Status()> work);

  size_t waiting() const;  // Not yet on a thread.

 private:
  struct Job {
    std::function<absl::Status()> work;
    absl::Status status;
    bool done = false;
  };
  void Loop(int niceness);

  const size_t queue_;
  mutable absl::Mutex mutex_;
  std::deque<Job*> jobs_ ABSL_GUARDED_BY(mutex_);
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_WORKER_POOL_H_
