#include "model/trunk/fused.h"

#include <ATen/ops/bmm.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "model/target_clones.h"

namespace mixmatch::model {
namespace {

using Bits = uint16_t;  // Of a bfloat16: the upper half of a float32's.

constexpr float kNormEpsilon = 1e-5f;

inline float Widen(Bits x) {
  const uint32_t bits = uint32_t{x} << 16;
  float wide;
  std::memcpy(&wide, &bits, sizeof(wide));
  return wide;
}

inline Bits Narrow(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof(bits));
  return static_cast<Bits>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

// x Phi(x). A minimax polynomial of (Phi(x) - 1/2) / x in the square of x, up to 4.4.
inline float GeluOf(float x) {
  const float u = std::min(std::max(x, -4.4f), 4.4f), t = u * u;
  float p = 3.57263247e-11f;
  p = p * t - 3.75663278e-09f;
  p = p * t + 1.74170935e-07f;
  p = p * t - 4.72640522e-06f;
  p = p * t + 8.43087983e-05f;
  p = p * t - 1.05508615e-03f;
  p = p * t + 9.64333210e-03f;
  p = p * t - 6.60769045e-02f;
  p = p * t + 3.98761868e-01f;
  return x * (0.5f + u * p);
}

// 2^x for x <= 0: its whole part into the exponent, a minimax polynomial of the rest, -1/2 to 1/2.
inline float Exp2(float x) {
  constexpr float kShift = 0x1.8p23f;  // Adding it rounds to whole numbers, in the lowest bits.
  x = std::max(x, -126.0f);
  const float shifted = x + kShift, f = x - (shifted - kShift);
  uint32_t bits;
  std::memcpy(&bits, &shifted, sizeof(bits));
  bits = (bits + 127) << 23;
  float power;
  std::memcpy(&power, &bits, sizeof(power));
  float p = 9.57010032e-03f;
  p = p * f + 5.59178628e-02f;
  p = p * f + 2.40247449e-01f;
  p = p * f + 6.93121814e-01f;
  p = p * f + 9.99999261e-01f;
  return power * p;
}

MIXMATCH_CLONES
void NormRows(const float* x, const float* gain, const float* bias, int64_t rows, int64_t width, Bits* out) {
  for (; rows > 0; --rows, x += width, out += width) {
    float sum = 0, squares = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < width; ++i) sum += x[i];
    const float mean = sum / static_cast<float>(width);
#pragma omp simd reduction(+ : squares)
    for (int64_t i = 0; i < width; ++i) squares += (x[i] - mean) * (x[i] - mean);
    const float scale = 1 / std::sqrt(squares / static_cast<float>(width) + kNormEpsilon);
#pragma omp simd
    for (int64_t i = 0; i < width; ++i) out[i] = Narrow((x[i] - mean) * scale * gain[i] + bias[i]);
  }
}

MIXMATCH_CLONES
void Gelu(int64_t n, Bits* x) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) x[i] = Narrow(GeluOf(Widen(x[i])));
}

MIXMATCH_CLONES
void AddTo(const Bits* y, int64_t n, float* x) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) x[i] += Widen(y[i]);
}

// In each row the softmax of scale times its first `keys` numbers; 0 behind them.
MIXMATCH_CLONES
void Softmax(int64_t rows, int64_t width, int64_t keys, float scale, Bits* x) {
  std::vector<float> powers(keys);
  float* const p = powers.data();
  const float to_base_2 = scale * 1.442695041f;
  for (; rows > 0; --rows, x += width) {
    float most = Widen(x[0]), sum = 0;
#pragma omp simd reduction(max : most)
    for (int64_t i = 0; i < keys; ++i) most = std::max(most, Widen(x[i]));
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < keys; ++i) sum += p[i] = Exp2((Widen(x[i]) - most) * to_base_2);
    const float part = 1 / sum;
#pragma omp simd
    for (int64_t i = 0; i < keys; ++i) x[i] = Narrow(p[i] * part);
    std::fill(x + keys, x + width, Bits{0});
  }
}

Bits* Data(const at::Tensor& x) { return reinterpret_cast<Bits*>(x.data_ptr<at::BFloat16>()); }

}  // namespace

at::Tensor NormToHalf(const at::Tensor& x, const at::Tensor& gain, const at::Tensor& bias) {
  at::Tensor out = at::empty(x.sizes(), x.options().dtype(at::kBFloat16));
  const int64_t width = x.size(-1);
  NormRows(x.data_ptr<float>(), gain.data_ptr<float>(), bias.data_ptr<float>(), x.numel() / width, width, Data(out));
  return out;
}

void GeluHalf(const at::Tensor& x) { Gelu(x.numel(), Data(x)); }

void AddHalf(const at::Tensor& x, const at::Tensor& y) { AddTo(Data(y), x.numel(), x.data_ptr<float>()); }

at::Tensor AttendHalf(const at::Tensor& qkv, int64_t heads, absl::Span<const int64_t> tokens) {
  const int64_t b = qkv.size(0), l = qkv.size(1), width = qkv.size(2) / 3, depth = width / heads;
  const at::Tensor apart =
      qkv.view({b, l, 3, heads, depth}).permute({2, 0, 3, 1, 4}).reshape({3, b * heads, l, depth});
  const at::Tensor weights = at::bmm(apart.select(0, 0), apart.select(0, 1).transpose(1, 2));  // [b * heads, l, l]
  const float scale = 1 / std::sqrt(static_cast<float>(depth));
  for (int64_t row = 0; row < b; ++row) {
    Softmax(heads * l, l, tokens[row], scale, Data(weights) + row * heads * l * l);
  }
  return at::bmm(weights, apart.select(0, 2)).view({b, heads, l, depth}).transpose(1, 2).reshape({b, l, width});
}

}  // namespace mixmatch::model
