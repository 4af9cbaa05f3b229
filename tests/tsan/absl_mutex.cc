// Tells ThreadSanitizer of abseil's mutexes. Debian's abseil is not built with it, so that without this every access
// that a mutex orders would look like a race. Linked into every program of the tsan preset; these definitions come before
// those of libabsl_synchronization.so, do the annotation and call them. The names are those of Debian's abseil 20220623.
#include <dlfcn.h>

#include <cstdlib>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

extern "C" {
void __tsan_acquire(void* address);
void __tsan_release(void* address);
void AnnotateIgnoreReadsBegin(const char* file, int line);
void AnnotateIgnoreReadsEnd(const char* file, int line);
}

namespace {

// The definition of abseil's own library.
template <typename Function>
Function* Next(const char* name) {
  void* const found = dlsym(RTLD_NEXT, name);
  if (found == nullptr) abort();
  return reinterpret_cast<Function*>(found);
}

}  // namespace

#define MIXMATCH_ACQUIRES(function, symbol)               \
  extern "C" void function(void* mutex) asm(symbol);      \
  extern "C" void function(void* mutex) {                 \
    static auto* const next = Next<void(void*)>(symbol);  \
    next(mutex);                                          \
    __tsan_acquire(mutex);                                \
  }
#define MIXMATCH_RELEASES(function, symbol)               \
  extern "C" void function(void* mutex) asm(symbol);      \
  extern "C" void function(void* mutex) {                 \
    static auto* const next = Next<void(void*)>(symbol);  \
    __tsan_release(mutex);                                \
    next(mutex);                                          \
  }

MIXMATCH_ACQUIRES(MixmatchTsanLock, "_ZN4absl7debian35Mutex4LockEv")
MIXMATCH_ACQUIRES(MixmatchTsanReaderLock, "_ZN4absl7debian35Mutex10ReaderLockEv")
MIXMATCH_RELEASES(MixmatchTsanUnlock, "_ZN4absl7debian35Mutex6UnlockEv")
MIXMATCH_RELEASES(MixmatchTsanReaderUnlock, "_ZN4absl7debian35Mutex12ReaderUnlockEv")

#define MIXMATCH_TRY_LOCK "_ZN4absl7debian35Mutex7TryLockEv"
extern "C" bool MixmatchTsanTryLock(void* mutex) asm(MIXMATCH_TRY_LOCK);
extern "C" bool MixmatchTsanTryLock(void* mutex) {
  static auto* const next = Next<bool(void*)>(MIXMATCH_TRY_LOCK);
  const bool locked = next(mutex);
  if (locked) __tsan_acquire(mutex);
  return locked;
}

// Waiting gives the mutex away and takes it again.
#define MIXMATCH_AWAIT "_ZN4absl7debian35Mutex5AwaitERKNS0_9ConditionE"
extern "C" void MixmatchTsanAwait(void* mutex, const absl::Condition& condition) asm(MIXMATCH_AWAIT);
extern "C" void MixmatchTsanAwait(void* mutex, const absl::Condition& condition) {
  static auto* const next = Next<void(void*, const absl::Condition&)>(MIXMATCH_AWAIT);
  __tsan_release(mutex);
  next(mutex, condition);
  __tsan_acquire(mutex);
}

#define MIXMATCH_AWAIT_TIMEOUT "_ZN4absl7debian35Mutex16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE"
extern "C" bool MixmatchTsanAwaitTimeout(void* mutex, const absl::Condition& condition,
                                         absl::Duration timeout) asm(MIXMATCH_AWAIT_TIMEOUT);
extern "C" bool MixmatchTsanAwaitTimeout(void* mutex, const absl::Condition& condition, absl::Duration timeout) {
  static auto* const next = Next<bool(void*, const absl::Condition&, absl::Duration)>(MIXMATCH_AWAIT_TIMEOUT);
  __tsan_release(mutex);
  const bool met = next(mutex, condition, timeout);
  __tsan_acquire(mutex);
  return met;
}

#define MIXMATCH_AWAIT_DEADLINE "_ZN4absl7debian35Mutex17AwaitWithDeadlineERKNS0_9ConditionENS0_4TimeE"
extern "C" bool MixmatchTsanAwaitDeadline(void* mutex, const absl::Condition& condition,
                                          absl::Time deadline) asm(MIXMATCH_AWAIT_DEADLINE);
extern "C" bool MixmatchTsanAwaitDeadline(void* mutex, const absl::Condition& condition, absl::Time deadline) {
  static auto* const next = Next<bool(void*, const absl::Condition&, absl::Time)>(MIXMATCH_AWAIT_DEADLINE);
  __tsan_release(mutex);
  const bool met = next(mutex, condition, deadline);
  __tsan_acquire(mutex);
  return met;
}

// A condition is evaluated by whichever thread gives the mutex away, inside abseil and after our annotation of that:
// its reads are ordered, but not visibly.
#define MIXMATCH_EVAL "_ZNK4absl7debian39Condition4EvalEv"
extern "C" bool MixmatchTsanEval(const void* condition) asm(MIXMATCH_EVAL);
extern "C" bool MixmatchTsanEval(const void* condition) {
  static auto* const next = Next<bool(const void*)>(MIXMATCH_EVAL);
  AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
  const bool met = next(condition);
  AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
  return met;
}

// What was done before a notification is seen after it.
#define MIXMATCH_NOTIFY "_ZN4absl7debian312Notification6NotifyEv"
extern "C" void MixmatchTsanNotify(void* notification) asm(MIXMATCH_NOTIFY);
extern "C" void MixmatchTsanNotify(void* notification) {
  static auto* const next = Next<void(void*)>(MIXMATCH_NOTIFY);
  __tsan_release(notification);
  next(notification);
}

#define MIXMATCH_WAIT_NOTIFICATION "_ZNK4absl7debian312Notification19WaitForNotificationEv"
extern "C" void MixmatchTsanWaitNotification(void* notification) asm(MIXMATCH_WAIT_NOTIFICATION);
extern "C" void MixmatchTsanWaitNotification(void* notification) {
  static auto* const next = Next<void(void*)>(MIXMATCH_WAIT_NOTIFICATION);
  next(notification);
  __tsan_acquire(notification);
}

// Like Await.
#define MIXMATCH_CONDITION_WAIT "_ZN4absl7debian37CondVar4WaitEPNS0_5MutexE"
extern "C" void MixmatchTsanConditionWait(void* condition, void* mutex) asm(MIXMATCH_CONDITION_WAIT);
extern "C" void MixmatchTsanConditionWait(void* condition, void* mutex) {
  static auto* const next = Next<void(void*, void*)>(MIXMATCH_CONDITION_WAIT);
  __tsan_release(mutex);
  next(condition, mutex);
  __tsan_acquire(mutex);
}

#define MIXMATCH_CONDITION_WAIT_DEADLINE "_ZN4absl7debian37CondVar16WaitWithDeadlineEPNS0_5MutexENS0_4TimeE"
extern "C" bool MixmatchTsanConditionWaitDeadline(void* condition, void* mutex,
                                                  absl::Time deadline) asm(MIXMATCH_CONDITION_WAIT_DEADLINE);
extern "C" bool MixmatchTsanConditionWaitDeadline(void* condition, void* mutex, absl::Time deadline) {
  static auto* const next = Next<bool(void*, void*, absl::Time)>(MIXMATCH_CONDITION_WAIT_DEADLINE);
  __tsan_release(mutex);
  const bool timed_out = next(condition, mutex, deadline);
  __tsan_acquire(mutex);
  return timed_out;
}
