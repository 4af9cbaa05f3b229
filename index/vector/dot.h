// Inner products, with the widest vector instructions that the CPU has (AVX-512, AVX2 with FMA, else portable).
#ifndef MIXMATCH_INDEX_VECTOR_DOT_H_
#define MIXMATCH_INDEX_VECTOR_DOT_H_

#include <cstddef>

namespace mixmatch::index {

// Both must be 64-byte aligned and `n` a multiple of 16. On one machine a pair gives the same bits from every function here.
float Dot(const float* a, const float* b, size_t n);

// out[i] = Dot(query, rows + i * n, n) for `count` rows that lie one after the other.
void DotRows(const float* query, const float* rows, size_t count, size_t n, float* out);

// "avx512", "avx2" or "portable".
const char* DotName();

}  // namespace mixmatch::index

#endif  // MIXMATCH_INDEX_VECTOR_DOT_H_
