// The kernels in plain C++: what the others are compared with.
#include "index/vector/kernels_internal.h"

namespace mixmatch::index {
namespace {

float Dot(const float* a, const float* b, size_t n) {
  float sums[16] = {};
  for (size_t i = 0; i < n; i += 16) {
    for (size_t j = 0; j < 16; ++j) sums[j] += a[i + j] * b[i + j];
  }
  for (size_t width = 8; width > 0; width /= 2) {
    for (size_t j = 0; j < width; ++j) sums[j] += sums[j + width];
  }
  return sums[0];
}

void DotRows(const float* query, const float* rows, size_t count, size_t n, float* out) {
  for (size_t i = 0; i < count; ++i) out[i] = Dot(query, rows + i * n, n);
}

void Dot4(const float* query, const float* const* rows, size_t n, float* out) {
  for (int i = 0; i < 4; ++i) out[i] = Dot(query, rows[i], n);
}

int32_t CodePair(const uint8_t* row, const uint8_t* other, size_t n) {
  int32_t sum = 0;
  for (size_t i = 0; i < n; ++i) sum += (int32_t{row[i]} - 128) * (int32_t{other[i]} - 128);
  return sum;
}

int32_t CodeDot(const int8_t* query, const uint8_t* row, size_t n) {
  int32_t sum = 0;
  for (size_t i = 0; i < n; ++i) sum += int32_t{query[i]} * int32_t{row[i]};
  return sum;
}

void CodeRows(const int8_t* query, const uint8_t* rows, size_t count, size_t n, int32_t* out) {
  for (size_t i = 0; i < count; ++i) out[i] = CodeDot(query, rows + i * n, n);
}

void Code4(const int8_t* query, const uint8_t* const* rows, size_t n, int32_t* out) {
  for (int i = 0; i < 4; ++i) out[i] = CodeDot(query, rows[i], n);
}

void BitRows(const uint64_t* query, const uint64_t* rows, size_t count, size_t words, uint32_t* out) {
  for (size_t i = 0; i < count; ++i) {
    const uint64_t* row = rows + i * words;
    uint32_t sum = 0;
    for (size_t plane = 0; plane < 4; ++plane) {
      for (size_t w = 0; w < words; ++w) sum += __builtin_popcountll(row[w] & query[plane * words + w]) << plane;
    }
    out[i] = sum;
  }
}

}  // namespace

Kernels ScalarKernels() { return {"scalar", Dot, DotRows, Dot4, CodePair, CodeDot, CodeRows, Code4, BitRows}; }

}  // namespace mixmatch::index
