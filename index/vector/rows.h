// A row-major matrix of floats that never moves a row, laid out for the kernels: one that grows in memory, or one on disk.
#ifndef MIXMATCH_INDEX_VECTOR_ROWS_H_
#define MIXMATCH_INDEX_VECTOR_ROWS_H_

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "index/vector/kernels.h"
#include "index/vector/row_file.h"

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
  // Of `file`, which holds rows of StrideOf(dim) floats. Such a matrix can only be read.
  Rows(int dim, std::shared_ptr<const RowFile> file)
      : dim_(dim), stride_(StrideOf(dim)), size_(file->bytes() / static_cast<int64_t>(sizeof(float) * stride_)),
        file_(std::move(file)) {}

  int dim() const { return dim_; }
  size_t stride() const { return stride_; }
  int64_t size() const { return size_; }

  // Of the row, stride() floats: beyond dim() zeros.
  const float* row(int64_t i) const {
    return file_ != nullptr ? file_->data() + i * stride_ : blocks_[i / kBlock].get() + (i % kBlock) * stride_;
  }
  void Prefetch(int64_t i) const {
    if (file_ != nullptr) return;  // The page may not be there.
    const char* at = reinterpret_cast<const char*>(row(i));
    for (size_t byte = 0; byte < sizeof(float) * stride_; byte += 64) __builtin_prefetch(at + byte);
  }
  absl::Span<const float> vector(int64_t i) const { return {row(i), static_cast<size_t>(dim_)}; }

  bool on_disk() const { return file_ != nullptr; }
  // As row(), for rows here and there: those on disk are read into `buffer` (stride() floats, aligned) and leave no page in
  // this process.
  const float* Fetch(int64_t i, float* buffer) const {
    if (file_ == nullptr) return row(i);
    return file_->Read(i * static_cast<int64_t>(stride_), stride_, buffer) ? buffer : row(i);
  }
  // Ends a pass over row() of a matrix on disk: gives the memory of its pages back.
  void ForgetPages() const {
    if (file_ != nullptr) file_->ForgetPages();
  }
  int64_t bytes_in_memory() const {
    return static_cast<int64_t>(blocks_.size() * kBlock * stride_ * sizeof(float));
  }
  int64_t bytes_on_disk() const { return file_ == nullptr ? 0 : file_->bytes(); }

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

  // Calls visit(first row, count, scores) over all rows, block by block, while it returns true; scores are inner products
  // with the padded query.
  template <typename Visit>
  void Scan(const float* padded_query, Visit visit) const {
    float scores[kBlock];
    for (int64_t first = 0; first < size_; first += kBlock) {
      const int64_t count = std::min(kBlock, size_ - first);
      BestKernels().dot_rows(padded_query, row(first), count, stride_, scores);
      if (!visit(first, count, static_cast<const float*>(scores))) return;
    }
  }

 private:
  float* mutable_row(int64_t i) { return blocks_[i / kBlock].get() + (i % kBlock) * stride_; }

  int dim_;
  size_t stride_;
  int64_t size_ = 0;
  std::vector<AlignedFloats> blocks_;
  std::shared_ptr<const RowFile> file_;
};

}  // namespace mixmatch::index

#endif  // MIXMATCH_INDEX_VECTOR_ROWS_H_
