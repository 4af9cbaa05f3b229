// Keeps the k nearest neighbors of those it is shown: larger scores first, ties by smaller id.
#ifndef MIXMATCH_INDEX_VECTOR_TOP_K_H_
#define MIXMATCH_INDEX_VECTOR_TOP_K_H_

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "index/vector/vector_index.h"

namespace mixmatch::index {

inline bool Nearer(const Neighbor& a, const Neighbor& b) {
  return a.score != b.score ? a.score > b.score : a.id < b.id;
}

class TopK {
 public:
  explicit TopK(int64_t k) : k_(k) {}

  // Scores below this cannot enter.
  float bound() const { return bound_; }
  bool full() const { return static_cast<int64_t>(heap_.size()) == k_; }
  int64_t size() const { return heap_.size(); }
  int64_t k() const { return k_; }
  // Whether Push would keep it.
  bool Wants(const Neighbor& neighbor) const { return !full() || (k_ > 0 && Nearer(neighbor, heap_.front())); }

  void Push(const Neighbor& neighbor) {
    if (!Wants(neighbor)) return;
    if (full()) {
      std::pop_heap(heap_.begin(), heap_.end(), Nearer);
      heap_.back() = neighbor;
    } else {
      heap_.push_back(neighbor);
    }
    std::push_heap(heap_.begin(), heap_.end(), Nearer);
    if (full()) bound_ = heap_.front().score;
  }

  // Nearest first. Leaves it empty.
  std::vector<Neighbor> Take() {
    std::sort(heap_.begin(), heap_.end(), Nearer);
    bound_ = -std::numeric_limits<float>::infinity();
    return std::exchange(heap_, {});
  }

 private:
  const int64_t k_;
  float bound_ = -std::numeric_limits<float>::infinity();
  std::vector<Neighbor> heap_;  // The farthest first.
};

}  // namespace mixmatch::index

#endif  // MIXMATCH_INDEX_VECTOR_TOP_K_H_
