// Ends a call whose client does not read what it is told.
#ifndef MIXMATCH_SERVER_ANSWER_WATCH_H_
#define MIXMATCH_SERVER_ANSWER_WATCH_H_

#include <cstdint>
#include <functional>
#include <thread>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace mixmatch::server {

// Calls `end`, once, on a thread of its own, when one answer takes longer than `patience`. Thread-safe.
class AnswerWatch {
 public:
  AnswerWatch(absl::Duration patience, std::function<void()> end);
  ~AnswerWatch();
  AnswerWatch(const AnswerWatch&) = delete;
  AnswerWatch& operator=(const AnswerWatch&) = delete;

  // Runs `write`, which may wait for the client. One at a time.
  void Watch(const std::function<void()>& write);
  bool expired() const;

 private:
  void Run();
  bool Writes() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return writing_ || done_; }

  const absl::Duration patience_;
  const std::function<void()> end_;
  mutable absl::Mutex mutex_;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t writes_ ABSL_GUARDED_BY(mutex_) = 0;  // So many, so that one is told from the next.
  bool done_ ABSL_GUARDED_BY(mutex_) = false;
  bool expired_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_ANSWER_WATCH_H_
