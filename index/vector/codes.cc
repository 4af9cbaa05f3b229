#include "index/vector/codes.h"

#include <sys/mman.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <new>

namespace mixmatch::index {
namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kHuge = 2 << 20;

size_t RoundUp(size_t size, size_t to) { return (size + to - 1) / to * to; }

void* NewBytes(size_t size) {
  const size_t alignment = size >= kHuge ? kHuge : kAlignment;
  const size_t bytes = std::max(RoundUp(size, kAlignment), kAlignment);
  void* memory = std::aligned_alloc(alignment, RoundUp(bytes, alignment));
  if (memory == nullptr) throw std::bad_alloc();
  if (alignment == kHuge) madvise(memory, bytes, MADV_HUGEPAGE);  // A wish; without it all works too.
  return memory;
}

float LargestMagnitude(const float* vector, int dim) {
  constexpr int kLanes = 16;  // Independent ones, so that the compiler can use vector instructions.
  float largest[kLanes] = {};
  int i = 0;
  for (; i + kLanes <= dim; i += kLanes) {
    for (int j = 0; j < kLanes; ++j) {
      const float magnitude = std::abs(vector[i + j]);
      largest[j] = largest[j] < magnitude ? magnitude : largest[j];
    }
  }
  for (; i < dim; ++i) largest[0] = std::max(largest[0], std::abs(vector[i]));
  return *std::max_element(largest, largest + kLanes);
}

// Writes the codes of `dim` values, and of zeros up to `stride`, each less `base`; returns their scale.
template <typename Code>
float Quantize(const float* vector, int dim, size_t stride, int base, Code* codes) {
  const float largest = LargestMagnitude(vector, dim);
  const float factor = largest > 1e-30f ? 127.0f / largest : 0.0f;
  // Rounded by cutting: all are above 0 before 128 is taken off again.
  for (int i = 0; i < dim; ++i) codes[i] = static_cast<Code>(static_cast<int>(vector[i] * factor + 128.5f) - 128 - base);
  std::fill(codes + dim, codes + stride, static_cast<Code>(-base));
  return largest / 127.0f;
}

}  // namespace

Codes::Codes(int dim, int64_t size)
    : dim_(dim), stride_(RoundUp(dim, kAlignment)), size_(size),
      codes_(static_cast<uint8_t*>(NewBytes(size * stride_))), scales_(size) {}

void Codes::Set(int64_t i, const float* vector) {
  scales_[i] = Quantize(vector, dim_, stride_, -128, codes_.get() + i * stride_);
}

CodeQuery Codes::Query(const float* vector) const {
  CodeQuery query;
  query.codes.reset(static_cast<int8_t*>(NewBytes(stride_)));
  query.scale = Quantize(vector, dim_, stride_, 0, query.codes.get());
  int32_t sum = 0;
  for (size_t i = 0; i < stride_; ++i) sum += query.codes[i];
  query.bias = 128 * sum;
  return query;
}

CodeQuery Codes::QueryOf(int64_t i) const {
  CodeQuery query;
  query.codes.reset(static_cast<int8_t*>(NewBytes(stride_)));
  QueryOf(i, query);
  return query;
}

void Codes::QueryOf(int64_t i, CodeQuery& query) const {
  const uint8_t* from = row(i);
  int32_t sum = 0;
  for (size_t j = 0; j < stride_; ++j) {
    const int code = from[j] - 128;
    query.codes[j] = static_cast<int8_t>(code);
    sum += code;
  }
  query.bias = 128 * sum;
  query.scale = scales_[i];
}

std::shared_ptr<const Codes> CodesOf(const Rows& rows) {
  auto codes = std::make_shared<Codes>(rows.dim(), rows.size());
  for (int64_t i = 0; i < rows.size(); ++i) codes->Set(i, rows.row(i));
  return codes;
}

}  // namespace mixmatch::index
