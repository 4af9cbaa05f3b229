// A shared mutex under which a stream of readers cannot keep a writer waiting for ever.
#ifndef MIXMATCH_INDEX_VECTOR_FAIR_SHARED_MUTEX_H_
#define MIXMATCH_INDEX_VECTOR_FAIR_SHARED_MUTEX_H_

#include <mutex>
#include <shared_mutex>

namespace mixmatch::index {

// For std::unique_lock and std::shared_lock. Not recursive, not even for readers.
class FairSharedMutex {
 public:
  void lock() {
    std::lock_guard<std::mutex> turnstile(turnstile_);  // Readers that come now wait behind this writer.
    mutex_.lock();
  }
  void unlock() { mutex_.unlock(); }
  void lock_shared() {
    std::lock_guard<std::mutex> turnstile(turnstile_);
    mutex_.lock_shared();
  }
  void unlock_shared() { mutex_.unlock_shared(); }

 private:
  std::mutex turnstile_;
  std::shared_mutex mutex_;
};

}  // namespace mixmatch::index

#endif  // MIXMATCH_INDEX_VECTOR_FAIR_SHARED_MUTEX_H_
