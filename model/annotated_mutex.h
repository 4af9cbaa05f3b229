// std::mutex with Clang's thread-safety annotations. Unlike absl::Mutex of a packaged abseil it is seen by
// ThreadSanitizer, which intercepts pthread locks but not those of a library built without it.
#ifndef MIXMATCH_MODEL_ANNOTATED_MUTEX_H_
#define MIXMATCH_MODEL_ANNOTATED_MUTEX_H_

#include <mutex>

#include "absl/base/thread_annotations.h"

namespace mixmatch::model {

class ABSL_LOCKABLE AnnotatedMutex {
 public:
  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() { mutex_.lock(); }
  void Unlock() ABSL_UNLOCK_FUNCTION() { mutex_.unlock(); }
  bool TryLock() ABSL_EXCLUSIVE_TRYLOCK_FUNCTION(true) { return mutex_.try_lock(); }

 private:
  std::mutex mutex_;
};

// Holds the mutex while it lives.
class ABSL_SCOPED_LOCKABLE AnnotatedLock {
 public:
  explicit AnnotatedLock(AnnotatedMutex* mutex) ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex) : mutex_(mutex) { mutex_->Lock(); }
  ~AnnotatedLock() ABSL_UNLOCK_FUNCTION() { mutex_->Unlock(); }
  AnnotatedLock(const AnnotatedLock&) = delete;
  AnnotatedLock& operator=(const AnnotatedLock&) = delete;

 private:
  AnnotatedMutex* const mutex_;
};

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_ANNOTATED_MUTEX_H_
