// Inner products of f32 rows, of int8 codes and of bits, with the widest vector instructions that the CPU has.
#ifndef MIXMATCH_INDEX_VECTOR_KERNELS_H_
#define MIXMATCH_INDEX_VECTOR_KERNELS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mixmatch::index {

// The functions of one instruction set. All pointers must be 64-byte aligned.
//
// f32: `n` is a multiple of 16. A pair gives the same bits from every function of one table.
// Codes: `n` is a multiple of 64, at most 65,536. A row holds codes + 128, the query holds codes as they are, all in -127 to
// 127. Results are exact.
struct Kernels {
  const char* name;

  float (*dot)(const float* a, const float* b, size_t n);
  // out[i] = dot(query, rows + i * n) for `count` rows that lie one after the other.
  void (*dot_rows)(const float* query, const float* rows, size_t count, size_t n, float* out);
  // out[i] = dot(query, rows[i]) for 4 rows that lie anywhere.
  void (*dot_4)(const float* query, const float* const* rows, size_t n, float* out);

  // Sum of (row[i] - 128) * (other[i] - 128).
  int32_t (*code_pair)(const uint8_t* row, const uint8_t* other, size_t n);
  // Sum of row[i] * query[i]: the inner product of the codes plus 128 times the sum of the query's.
  int32_t (*code_dot)(const int8_t* query, const uint8_t* row, size_t n);
  void (*code_rows)(const int8_t* query, const uint8_t* rows, size_t count, size_t n, int32_t* out);
  void (*code_4)(const int8_t* query, const uint8_t* const* rows, size_t n, int32_t* out);

  // Bits: `words` is a multiple of 8, at most 1,024; the query is four planes of as many words. out[i] is the sum over the
  // planes j of 2^j times the bits that plane j and row i have in common, for `count` rows that lie one after the other.
  void (*bit_rows)(const uint64_t* query, const uint64_t* rows, size_t count, size_t words, uint32_t* out);
};

// Chosen once.
const Kernels& BestKernels();

// All that this program has and this CPU can run, the best first; the last is plain C++.
std::vector<Kernels> AvailableKernels();

}  // namespace mixmatch::index

#endif  // MIXMATCH_INDEX_VECTOR_KERNELS_H_
