#include "server/worker_pool.h"

#include "absl/strings/str_cat.h"
#include "server/thread_priority.h"

namespace mixmatch::server {

WorkerPool::WorkerPool(int threads, size_t queue, int niceness) : queue_(queue) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this, niceness] { Loop(niceness); });
}

WorkerPool::~WorkerPool() {
  {
    absl::MutexLock lock(&mutex_);
    stop_ = true;
  }
  for (std::thread& thread : threads_) thread.join();
}

absl::Status WorkerPool::Run(std::function<absl::Status()> work) {
  Job job;
  job.work = std::move(work);
  absl::MutexLock lock(&mutex_);
  if (jobs_.size() >= queue_) {
    return absl::ResourceExhaustedError(
        absl::StrCat("server: ", queue_, " uploads are waiting already; try again in a moment"));
  }
  jobs_.push_back(&job);
  mutex_.Await(absl::Condition(&job.done));
  return job.status;
}

size_t WorkerPool::waiting() const {
  absl::MutexLock lock(&mutex_);
  return jobs_.size();
}

void WorkerPool::Loop(int niceness) {
  LowerThreadPriority(niceness);
  const auto ready = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return stop_ || !jobs_.empty(); };
  while (true) {
    Job* job = nullptr;
    {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(&ready));
      if (jobs_.empty()) return;
      job = jobs_.front();
      jobs_.pop_front();
    }
    const absl::Status status = job->work();
    absl::MutexLock lock(&mutex_);
    job->status = status;
    job->done = true;
  }
}

}  // namespace mixmatch::server
