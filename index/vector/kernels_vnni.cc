// Kernels over AVX512-VNNI and -BITALG, by hand: Highway 1.0 has no byte product with 32-bit sums, and counts bits by
// table without its Ice Lake target.
#include "index/vector/kernels_internal.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define MIXMATCH_VNNI __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni")))
#define MIXMATCH_BITS __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni,avx512bitalg")))

namespace mixmatch::index {
namespace {

MIXMATCH_VNNI int32_t CodePair(const uint8_t* row, const uint8_t* other, size_t n) {
  // (r - 128) * s summed, s = o - 128: the sum of r * s less that of 128 * s.
  const __m512i bias = _mm512_set1_epi8(static_cast<char>(0x80));
  __m512i sum0 = _mm512_setzero_si512(), sum1 = sum0, less0 = sum0, less1 = sum0;
  size_t i = 0;
  for (; i + 128 <= n; i += 128) {
    const __m512i s0 = _mm512_xor_si512(_mm512_load_si512(other + i), bias);
    const __m512i s1 = _mm512_xor_si512(_mm512_load_si512(other + i + 64), bias);
    sum0 = _mm512_dpbusd_epi32(sum0, _mm512_load_si512(row + i), s0);
    sum1 = _mm512_dpbusd_epi32(sum1, _mm512_load_si512(row + i + 64), s1);
    less0 = _mm512_dpbusd_epi32(less0, bias, s0);
    less1 = _mm512_dpbusd_epi32(less1, bias, s1);
  }
  if (i < n) {
    const __m512i s0 = _mm512_xor_si512(_mm512_load_si512(other + i), bias);
    sum0 = _mm512_dpbusd_epi32(sum0, _mm512_load_si512(row + i), s0);
    less0 = _mm512_dpbusd_epi32(less0, bias, s0);
  }
  return _mm512_reduce_add_epi32(_mm512_sub_epi32(_mm512_add_epi32(sum0, sum1), _mm512_add_epi32(less0, less1)));
}

MIXMATCH_VNNI int32_t CodeDot(const int8_t* query, const uint8_t* row, size_t n) {
  __m512i sum0 = _mm512_setzero_si512(), sum1 = sum0;
  size_t i = 0;
  for (; i + 128 <= n; i += 128) {
    sum0 = _mm512_dpbusd_epi32(sum0, _mm512_load_si512(row + i), _mm512_load_si512(query + i));
    sum1 = _mm512_dpbusd_epi32(sum1, _mm512_load_si512(row + i + 64), _mm512_load_si512(query + i + 64));
  }
  if (i < n) sum0 = _mm512_dpbusd_epi32(sum0, _mm512_load_si512(row + i), _mm512_load_si512(query + i));
  return _mm512_reduce_add_epi32(_mm512_add_epi32(sum0, sum1));
}

// The sums of the 16 lanes of each: lanes are added pairwise until each has one.
MIXMATCH_VNNI __m128i SumsOf(__m512i a, __m512i b, __m512i c, __m512i d) {
  const __m512i ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
  const __m512i cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
  const __m512i all = _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
  const __m256i half = _mm256_add_epi32(_mm512_castsi512_si256(all), _mm512_extracti64x4_epi64(all, 1));
  return _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
}

MIXMATCH_VNNI void Code4(const int8_t* query, const uint8_t* const* rows, size_t n, int32_t* out) {
  const uint8_t *a = rows[0], *b = rows[1], *c = rows[2], *d = rows[3];
  __m512i sa = _mm512_setzero_si512(), sb = sa, sc = sa, sd = sa;
  for (size_t i = 0; i < n; i += 64) {
    const __m512i q = _mm512_load_si512(query + i);
    sa = _mm512_dpbusd_epi32(sa, _mm512_load_si512(a + i), q);
    sb = _mm512_dpbusd_epi32(sb, _mm512_load_si512(b + i), q);
    sc = _mm512_dpbusd_epi32(sc, _mm512_load_si512(c + i), q);
    sd = _mm512_dpbusd_epi32(sd, _mm512_load_si512(d + i), q);
  }
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out), SumsOf(sa, sb, sc, sd));
}

// One row after the other: the hardware fetches a single stream best.
MIXMATCH_VNNI void CodeRows(const int8_t* query, const uint8_t* rows, size_t count, size_t n, int32_t* out) {
  for (size_t i = 0; i < count; ++i) out[i] = CodeDot(query, rows + i * n, n);
}

// Adds to each 32-bit lane the bits that `row` and each plane have in common there, by the worth of the plane.
MIXMATCH_BITS __m512i Counted(__m512i sum, __m512i row, const uint64_t* query, size_t words) {
  for (int plane = 0; plane < 4; ++plane) {
    const __m512i common = _mm512_and_si512(row, _mm512_load_si512(query + plane * words));
    sum = _mm512_dpbusd_epi32(sum, _mm512_popcnt_epi8(common), _mm512_set1_epi8(static_cast<char>(1 << plane)));
  }
  return sum;
}

MIXMATCH_BITS void BitRows(const uint64_t* query, const uint64_t* rows, size_t count, size_t words, uint32_t* out) {
  size_t i = 0;
  for (; i + 4 <= count; i += 4, rows += 4 * words) {
    __m512i a = _mm512_setzero_si512(), b = a, c = a, d = a;
    for (size_t w = 0; w < words; w += 8) {
      a = Counted(a, _mm512_load_si512(rows + w), query + w, words);
      b = Counted(b, _mm512_load_si512(rows + words + w), query + w, words);
      c = Counted(c, _mm512_load_si512(rows + 2 * words + w), query + w, words);
      d = Counted(d, _mm512_load_si512(rows + 3 * words + w), query + w, words);
    }
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i), SumsOf(a, b, c, d));
  }
  for (; i < count; ++i, rows += words) {
    __m512i sum = _mm512_setzero_si512();
    for (size_t w = 0; w < words; w += 8) sum = Counted(sum, _mm512_load_si512(rows + w), query + w, words);
    out[i] = static_cast<uint32_t>(_mm512_reduce_add_epi32(sum));
  }
}

}  // namespace

bool UseVnni(Kernels& kernels) {
  if (!__builtin_cpu_supports("avx512vnni") || !__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("avx512vl")) {
    return false;
  }
  kernels.name = "AVX512-VNNI";
  kernels.code_pair = CodePair;
  kernels.code_dot = CodeDot;
  kernels.code_rows = CodeRows;
  kernels.code_4 = Code4;
  if (__builtin_cpu_supports("avx512bitalg")) kernels.bit_rows = BitRows;
  return true;
}

}  // namespace mixmatch::index

#else

namespace mixmatch::index {
bool UseVnni(Kernels&) { return false; }
}  // namespace mixmatch::index

#endif
