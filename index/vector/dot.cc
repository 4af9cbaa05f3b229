#include "index/vector/dot.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace mixmatch::index {
namespace {

using DotFunction = float (*)(const float*, const float*, size_t);
using DotRowsFunction = void (*)(const float*, const float*, size_t, size_t, float*);

float DotPortable(const float* a, const float* b, size_t n) {
  float sums[16] = {};
  for (size_t i = 0; i < n; i += 16) {
    for (size_t j = 0; j < 16; ++j) sums[j] += a[i + j] * b[i + j];
  }
  for (size_t width = 8; width > 0; width /= 2) {
    for (size_t j = 0; j < width; ++j) sums[j] += sums[j + width];
  }
  return sums[0];
}

void DotRowsPortable(const float* query, const float* rows, size_t count, size_t n, float* out) {
  for (size_t i = 0; i < count; ++i) out[i] = DotPortable(query, rows + i * n, n);
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma"), always_inline)) inline float DotAvx2Inline(const float* a, const float* b, size_t n) {
  __m256 sum0 = _mm256_setzero_ps(), sum1 = sum0, sum2 = sum0, sum3 = sum0;
  size_t i = 0;
  for (; i + 32 <= n; i += 32) {
    sum0 = _mm256_fmadd_ps(_mm256_load_ps(a + i), _mm256_load_ps(b + i), sum0);
    sum1 = _mm256_fmadd_ps(_mm256_load_ps(a + i + 8), _mm256_load_ps(b + i + 8), sum1);
    sum2 = _mm256_fmadd_ps(_mm256_load_ps(a + i + 16), _mm256_load_ps(b + i + 16), sum2);
    sum3 = _mm256_fmadd_ps(_mm256_load_ps(a + i + 24), _mm256_load_ps(b + i + 24), sum3);
  }
  for (; i < n; i += 16) {
    sum0 = _mm256_fmadd_ps(_mm256_load_ps(a + i), _mm256_load_ps(b + i), sum0);
    sum1 = _mm256_fmadd_ps(_mm256_load_ps(a + i + 8), _mm256_load_ps(b + i + 8), sum1);
  }
  const __m256 sum = _mm256_add_ps(_mm256_add_ps(sum0, sum1), _mm256_add_ps(sum2, sum3));
  __m128 half = _mm_add_ps(_mm256_castps256_ps128(sum), _mm256_extractf128_ps(sum, 1));
  half = _mm_add_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half)));
}

__attribute__((target("avx2,fma"))) float DotAvx2(const float* a, const float* b, size_t n) {
  return DotAvx2Inline(a, b, n);
}

__attribute__((target("avx2,fma"))) void DotRowsAvx2(const float* query, const float* rows, size_t count, size_t n,
                                                     float* out) {
  for (size_t i = 0; i < count; ++i) out[i] = DotAvx2Inline(query, rows + i * n, n);
}

__attribute__((target("avx512f"), always_inline)) inline float DotAvx512Inline(const float* a, const float* b,
                                                                               size_t n) {
  __m512 sum0 = _mm512_setzero_ps(), sum1 = sum0, sum2 = sum0, sum3 = sum0;
  size_t i = 0;
  for (; i + 64 <= n; i += 64) {
    sum0 = _mm512_fmadd_ps(_mm512_load_ps(a + i), _mm512_load_ps(b + i), sum0);
    sum1 = _mm512_fmadd_ps(_mm512_load_ps(a + i + 16), _mm512_load_ps(b + i + 16), sum1);
    sum2 = _mm512_fmadd_ps(_mm512_load_ps(a + i + 32), _mm512_load_ps(b + i + 32), sum2);
    sum3 = _mm512_fmadd_ps(_mm512_load_ps(a + i + 48), _mm512_load_ps(b + i + 48), sum3);
  }
  for (; i < n; i += 16) sum0 = _mm512_fmadd_ps(_mm512_load_ps(a + i), _mm512_load_ps(b + i), sum0);
  return _mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(sum0, sum1), _mm512_add_ps(sum2, sum3)));
}

__attribute__((target("avx512f"))) float DotAvx512(const float* a, const float* b, size_t n) {
  return DotAvx512Inline(a, b, n);
}

__attribute__((target("avx512f"))) void DotRowsAvx512(const float* query, const float* rows, size_t count, size_t n,
                                                      float* out) {
  for (size_t i = 0; i < count; ++i) out[i] = DotAvx512Inline(query, rows + i * n, n);
}
#endif

struct Kernels {
  DotFunction dot;
  DotRowsFunction rows;
  const char* name;
};

Kernels Choose() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return {DotAvx512, DotRowsAvx512, "avx512"};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return {DotAvx2, DotRowsAvx2, "avx2"};
#endif
  return {DotPortable, DotRowsPortable, "portable"};
}

const Kernels& Best() {
  static const Kernels kernels = Choose();
  return kernels;
}

}  // namespace

float Dot(const float* a, const float* b, size_t n) { return Best().dot(a, b, n); }

void DotRows(const float* query, const float* rows, size_t count, size_t n, float* out) {
  Best().rows(query, rows, count, n, out);
}

const char* DotName() { return Best().name; }

}  // namespace mixmatch::index
