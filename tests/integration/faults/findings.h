// What a run of the model found wrong.
#ifndef MIXMATCH_TESTS_INTEGRATION_FAULTS_FINDINGS_H_
#define MIXMATCH_TESTS_INTEGRATION_FAULTS_FINDINGS_H_

#include <atomic>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"

namespace mixmatch {

// Thread-safe.
class Findings {
 public:
  void Add(const std::string& finding) {
    absl::MutexLock lock(&mutex_);
    all_.push_back(finding);
    some_ = true;
  }
  bool some() const { return some_; }
  std::vector<std::string> all() const {
    absl::MutexLock lock(&mutex_);
    return all_;
  }

 private:
  mutable absl::Mutex mutex_;
  std::vector<std::string> all_ ABSL_GUARDED_BY(mutex_);
  std::atomic<bool> some_{false};
};

}  // namespace mixmatch

#endif  // MIXMATCH_TESTS_INTEGRATION_FAULTS_FINDINGS_H_
