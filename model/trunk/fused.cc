#include "model/trunk/fused.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "model/target_clones.h"
#include "model/trunk/half_bits.h"
#include "model/trunk/half_matrix.h"

namespace mixmatch::model {
namespace {

constexpr float kNormEpsilon = 1e-5f;

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
void NormRows(const float* x, const float* gain, const float* bias, int64_t rows, int64_t width, HalfBits* out) {
  for (; rows > 0; --rows, x += width, out += width) {
    float sum = 0, squares = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < width; ++i) sum += x[i];
    const float mean = sum / static_cast<float>(width);
#pragma omp simd reduction(+ : squares)
    for (int64_t i = 0; i < width; ++i) squares += (x[i] - mean) * (x[i] - mean);
    const float scale = 1 / std::sqrt(squares / static_cast<float>(width) + kNormEpsilon);
#pragma omp simd
    for (int64_t i = 0; i < width; ++i) out[i] = NarrowToHalf((x[i] - mean) * scale * gain[i] + bias[i]);
  }
}

MIXMATCH_CLONES
void Gelu(int64_t n, HalfBits* x) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) x[i] = NarrowToHalf(GeluOf(WidenHalf(x[i])));
}

MIXMATCH_CLONES
void AddTo(const HalfBits* y, int64_t n, float* x) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) x[i] += WidenHalf(y[i]);
}

// In each row the softmax of scale times its first `keys` numbers; 0 behind them.
MIXMATCH_CLONES
void Softmax(int64_t rows, int64_t width, int64_t keys, float scale, HalfBits* x) {
  std::vector<float> powers(keys);
  float* const p = powers.data();
  const float to_base_2 = scale * 1.442695041f;
  for (; rows > 0; --rows, x += width) {
    float most = WidenHalf(x[0]), sum = 0;
#pragma omp simd reduction(max : most)
    for (int64_t i = 0; i < keys; ++i) most = std::max(most, WidenHalf(x[i]));
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < keys; ++i) sum += p[i] = Exp2((WidenHalf(x[i]) - most) * to_base_2);
    const float part = 1 / sum;
#pragma omp simd
    for (int64_t i = 0; i < keys; ++i) x[i] = NarrowToHalf(p[i] * part);
    std::fill(x + keys, x + width, HalfBits{0});
  }
}

}  // namespace

at::Tensor NormToHalf(const at::Tensor& x, const at::Tensor& gain, const at::Tensor& bias) {
  at::Tensor out = at::empty(x.sizes(), x.options().dtype(at::kBFloat16));
  const int64_t width = x.size(-1);
  NormRows(x.data_ptr<float>(), gain.data_ptr<float>(), bias.data_ptr<float>(), x.numel() / width, width, DataOfHalf(out));
  return out;
}

void GeluHalf(const at::Tensor& x) { Gelu(x.numel(), DataOfHalf(x)); }

void AddHalf(const at::Tensor& x, const at::Tensor& y) { AddTo(DataOfHalf(y), x.numel(), x.data_ptr<float>()); }

at::Tensor AttendHalf(const at::Tensor& qkv, int64_t heads, absl::Span<const int64_t> tokens) {
  const int64_t b = qkv.size(0), l = qkv.size(1), stride = qkv.size(2), width = stride / 3, depth = width / heads;
  const float scale = 1 / std::sqrt(static_cast<float>(depth));
  at::Tensor out = at::empty({b, l, width}, qkv.options());
  HalfMatrix keys, values;
  std::vector<HalfBits> weights;
  for (int64_t row = 0; row < b; ++row) {
    const int64_t looked_at = tokens[row], even = (looked_at + 1) / 2 * 2;
    weights.resize(l * even);
    for (int64_t head = 0; head < heads; ++head) {
      const HalfBits* const q = DataOfHalf(qkv) + row * l * stride + head * depth;
      keys.SetColumns(q + width, stride, depth, looked_at);
      values.SetRows(q + 2 * width, stride, looked_at, depth);
      keys.Multiply(q, stride, l, nullptr, weights.data(), even);
      Softmax(l, even, looked_at, scale, weights.data());
      values.Multiply(weights.data(), even, l, nullptr, DataOfHalf(out) + row * l * width + head * depth, width);
    }
  }
  return out;
}

}  // namespace mixmatch::model
