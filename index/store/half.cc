#include "index/store/half.h"

#include <cmath>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace mixmatch::index {
namespace {

constexpr float kLargest = 65504.0f;

void FloatsToHalvesPortable(const float* in, size_t n, char* out) {
  for (size_t i = 0; i < n; ++i) {
    const uint16_t half = FloatToHalf(in[i]);
    std::memcpy(out + 2 * i, &half, 2);
  }
}

void HalvesToFloatsPortable(const char* in, size_t n, float* out) {
  for (size_t i = 0; i < n; ++i) {
    uint16_t half;
    std::memcpy(&half, in + 2 * i, 2);
    out[i] = HalfToFloat(half);
  }
}

#if defined(__x86_64__)
bool HasF16c() {
  static const bool has = __builtin_cpu_supports("avx") && __builtin_cpu_supports("f16c");
  return has;
}

__attribute__((target("avx,f16c"))) void FloatsToHalvesF16c(const float* in, size_t n, char* out) {
  const __m256 high = _mm256_set1_ps(kLargest);
  const __m256 low = _mm256_set1_ps(-kLargest);
  size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    // The second operand is the result where one is NaN, so NaN stays.
    const __m256 cut = _mm256_max_ps(low, _mm256_min_ps(high, _mm256_loadu_ps(in + i)));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 2 * i), _mm256_cvtps_ph(cut, _MM_FROUND_TO_NEAREST_INT));
  }
  FloatsToHalvesPortable(in + i, n - i, out + 2 * i);
}

__attribute__((target("avx,f16c"))) void HalvesToFloatsF16c(const char* in, size_t n, float* out) {
  size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    _mm256_storeu_ps(out + i, _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(in + 2 * i))));
  }
  HalvesToFloatsPortable(in + 2 * i, n - i, out + i);
}
#endif

}  // namespace

uint16_t FloatToHalf(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  const uint16_t sign = static_cast<uint16_t>((bits >> 16) & 0x8000u);
  bits &= 0x7fffffffu;
  if (bits > 0x7f800000u) return sign | 0x7e00u | static_cast<uint16_t>((bits >> 13) & 0x1ffu);  // NaN, made quiet.
  if (bits >= 0x477fe000u) return sign | 0x7bffu;                                                // 65,504 and beyond.
  if (bits < 0x33000001u) return sign;                                                           // Up to 2^-25: zero.
  const int exponent = static_cast<int>(bits >> 23);
  uint32_t mantissa = bits & 0x7fffffu;
  uint32_t half, rest, middle;
  if (exponent < 113) {  // Below 2^-14: subnormal.
    mantissa |= 0x800000u;
    const int shift = 126 - exponent;
    half = mantissa >> shift;
    rest = mantissa & ((1u << shift) - 1);
    middle = 1u << (shift - 1);
  } else {
    half = (static_cast<uint32_t>(exponent - 112) << 10) | (mantissa >> 13);
    rest = mantissa & 0x1fffu;
    middle = 0x1000u;
  }
  if (rest > middle || (rest == middle && (half & 1u))) ++half;
  return sign | static_cast<uint16_t>(half);
}

float HalfToFloat(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16;
  const uint32_t exponent = (half >> 10) & 0x1fu;
  const uint32_t mantissa = half & 0x3ffu;
  if (exponent == 0) {
    const float value = std::ldexp(static_cast<float>(mantissa), -24);
    return sign ? -value : value;
  }
  const uint32_t bits = exponent == 31 ? sign | 0x7f800000u | (mantissa << 13) | (mantissa ? 0x400000u : 0u)
                                       : sign | ((exponent + 112) << 23) | (mantissa << 13);
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}

void FloatsToHalves(const float* in, size_t n, char* out) {
#if defined(__x86_64__)
  if (HasF16c()) return FloatsToHalvesF16c(in, n, out);
#endif
  FloatsToHalvesPortable(in, n, out);
}

void HalvesToFloats(const char* in, size_t n, float* out) {
#if defined(__x86_64__)
  if (HasF16c()) return HalvesToFloatsF16c(in, n, out);
#endif
  HalvesToFloatsPortable(in, n, out);
}

}  // namespace mixmatch::index
