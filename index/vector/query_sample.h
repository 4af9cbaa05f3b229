// A few recent queries, kept to measure recall with.
#ifndef MIXMATCH_INDEX_VECTOR_QUERY_SAMPLE_H_
#define MIXMATCH_INDEX_VECTOR_QUERY_SAMPLE_H_

#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

#include "absl/types/span.h"

namespace mixmatch::index {

// Thread-safe. Offer never waits.
class QuerySample {
 public:
  // Keeps every 16th query in place of the oldest one kept.
  void Offer(absl::Span<const float> query) {
    const int64_t at = offered_.fetch_add(1, std::memory_order_relaxed);
    if (at % kEvery != 0) return;
    std::unique_lock<std::mutex> lock(mutex_, std::try_to_lock);
    if (!lock) return;
    std::vector<float> copy(query.begin(), query.end());
    if (queries_.size() < kKept) {
      queries_.push_back(std::move(copy));
    } else {
      queries_[next_++ % kKept] = std::move(copy);
    }
  }
  std::vector<std::vector<float>> Copy() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return queries_;
  }
  int64_t offered() const { return offered_.load(std::memory_order_relaxed); }

  static constexpr int64_t kEvery = 16;
  static constexpr size_t kKept = 64;

 private:
  std::atomic<int64_t> offered_{0};
  mutable std::mutex mutex_;  // Guards what follows.
  std::vector<std::vector<float>> queries_;
  size_t next_ = 0;
};

}  // namespace mixmatch::index

#endif  // MIXMATCH_INDEX_VECTOR_QUERY_SAMPLE_H_
