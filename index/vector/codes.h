// Rows as int8: each value a multiple of its row's scale, a 127th of the row's largest magnitude.
#ifndef MIXMATCH_INDEX_VECTOR_CODES_H_
#define MIXMATCH_INDEX_VECTOR_CODES_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/types/span.h"
#include "index/vector/rows.h"

namespace mixmatch::index {

struct FreeBytes {
  void operator()(void* bytes) const { std::free(bytes); }
};

// A query as the code kernels want it. A row's inner product with it is about (code_dot - bias) * scale * the row's scale.
struct CodeQuery {
  std::unique_ptr<int8_t[], FreeBytes> codes;
  int32_t bias = 0;  // 128 times the sum of the codes.
  float scale = 0;
};

// A matrix of a fixed number of rows. Const methods may run concurrently with each other, and Set with Set of other rows.
class Codes {
 public:
  Codes(int dim, int64_t size);

  int64_t size() const { return size_; }
  size_t stride() const { return stride_; }  // Bytes from one row to the next; beyond the dimension, codes are 0.
  int64_t bytes() const { return size_ * (static_cast<int64_t>(stride_) + sizeof(float)); }

  // Each code + 128.
  const uint8_t* row(int64_t i) const { return codes_.get() + i * stride_; }
  float scale(int64_t i) const { return scales_[i]; }
  const float* scale_address(int64_t i) const { return &scales_[i]; }

  void Set(int64_t i, const float* vector);
  CodeQuery Query(const float* vector) const;
  // Row i as a query.
  CodeQuery QueryOf(int64_t i) const;
  // The same into `query`, which an earlier call made.
  void QueryOf(int64_t i, CodeQuery& query) const;

  // As they lie in memory, to be stored.
  absl::Span<const uint8_t> all_codes() const { return {codes_.get(), size_ * stride_}; }
  absl::Span<uint8_t> mutable_codes() { return {codes_.get(), size_ * stride_}; }
  const std::vector<float>& scales() const { return scales_; }
  std::vector<float>& mutable_scales() { return scales_; }

 private:
  const int dim_;
  const size_t stride_;
  const int64_t size_;
  std::unique_ptr<uint8_t[], FreeBytes> codes_;
  std::vector<float> scales_;
};

// The codes of all rows.
std::shared_ptr<const Codes> CodesOf(const Rows& rows);

}  // namespace mixmatch::index

#endif  // MIXMATCH_INDEX_VECTOR_CODES_H_
