// A growing row-major matrix of floats that never moves a row, laid out for the kernels.
#ifndef MIXMATCH_INDEX_VECTOR_ROWS_H_
#define MIXMATCH_INDEX_VECTOR_ROWS_H_

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include "absl/types/span.h"
#include "index/vector/kernels.h"

namespace mixmatch::index {

struct FreeFloats {
  void operator()(float* floats) const { std::free(floats); }
};
using AlignedFloats = std::unique_ptr<float[], FreeFloats>;

// 64-byte aligned, not set. Huge pages where they fit: graph searches jump about.
inline AlignedFloats NewAlignedFloats(size_t count) {
  constexpr size_t kHuge = 2 << 20;
  const size_t alignment = count * sizeof(float) % kHuge == 0 ? kHuge : 64;
  const size_t bytes = (count * sizeof(float) + alignment - 1) / alignment * alignment;
  void* memory = std::aligned_alloc(alignment, bytes);
  if (memory == nullptr) throw std::bad_alloc();
  if (alignment == kHuge) madvise(memory, bytes, MADV_HUGEPAGE);  // A wish; without it all works too.
  return AlignedFloats(static_cast<float*>(memory));
}

// Floats from one row to the next.
inline size_t StrideOf(int dim) { return (static_cast<size_t>(dim) + 15) / 16 * 16; }

// A query as the kernels want it.
inline AlignedFloats PaddedCopy(absl::Span<const float> vector) {
  const size_t stride = StrideOf(static_cast<int>(vector.size()));
  AlignedFloats copy = NewAlignedFloats(stride);
  std::copy(vector.begin(), vector.end(), copy.get());
  std::fill(copy.get() + vector.size(), copy.get() + stride, 0.0f);
  return copy;
}

// Const methods may run concurrently with each other.
class Rows {
 public:
  static constexpr int64_t kBlock = 1024;  // Rows that lie one after the other.

  explicit Rows(int dim) : dim_(dim), stride_(StrideOf(dim)) {}

  int dim() const { return dim_; }
  size_t stride() const { return stride_; }
  int64_t size() const { return size_; }

  // Of the row, stride() floats: beyond dim() zeros.
  const float* row(int64_t i) const { return blocks_[i / kBlock].get() + (i % kBlock) * stride_; }
  absl::Span<const float> vector(int64_t i) const { return {row(i), static_cast<size_t>(dim_)}; }

  void Set(int64_t i, const float* vector) {
    float* to = mutable_row(i);
    std::memcpy(to, vector, sizeof(float) * dim_);
    std::fill(to + dim_, to + stride_, 0.0f);
  }
  void Append(const float* vector) {
    if (size_ % kBlock == 0 && size_ / kBlock == static_cast<int64_t>(blocks_.size())) {
      blocks_.push_back(NewAlignedFloats(kBlock * stride_));
    }
    Set(size_++, vector);
  }
  void PopBack() { --size_; }

  // Calls visit(first row, count, scores) over all rows, block by block; scores are inner products with the padded query.
  template <typename Visit>
  void Scan(const float* padded_query, Visit visit) const {
    float scores[kBlock];
    for (int64_t first = 0; first < size_; first += kBlock) {
      const int64_t count = std::min(kBlock, size_ - first);
      BestKernels().dot_rows(padded_query, row(first), count, stride_, scores);
      visit(first, count, static_cast<const float*>(scores));
    }
  }

 private:
  float* mutable_row(int64_t i) { return blocks_[i / kBlock].get() + (i % kBlock) * stride_; }

  int dim_;
  size_t stride_;
  int64_t size_ = 0;
  std::vector<AlignedFloats> blocks_;
};

}  // namespace mixmatch::index

#endif  // MIXMATCH_INDEX_VECTOR_ROWS_H_
