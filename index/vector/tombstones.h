// Which rows of a segment are dead.
#ifndef MIXMATCH_INDEX_VECTOR_TOMBSTONES_H_
#define MIXMATCH_INDEX_VECTOR_TOMBSTONES_H_

#include <atomic>
#include <cstdint>
#include <vector>

namespace mixmatch::index {

// One bit a row. Thread-safe; a bit once set stays.
class Tombstones {
 public:
  explicit Tombstones(int64_t rows) : words_((rows + 63) / 64) {}
  // As they are now; no bit may be set meanwhile.
  Tombstones(const Tombstones& other) : words_(other.words_.size()), count_(other.count()) {
    for (size_t i = 0; i < words_.size(); ++i) words_[i] = other.words_[i].load();
  }
  bool has(int64_t row) const { return words_[row / 64].load(std::memory_order_acquire) >> (row % 64) & 1; }
  // False if it was set.
  bool Set(int64_t row) {
    const uint64_t bit = uint64_t{1} << (row % 64);
    if (words_[row / 64].fetch_or(bit, std::memory_order_acq_rel) & bit) return false;
    count_.fetch_add(1, std::memory_order_acq_rel);
    return true;
  }
  int64_t count() const { return count_.load(std::memory_order_acquire); }

 private:
  std::vector<std::atomic<uint64_t>> words_;
  std::atomic<int64_t> count_{0};
};

}  // namespace mixmatch::index

#endif  // MIXMATCH_INDEX_VECTOR_TOMBSTONES_H_
