#include "model/modality/feature_math.h"

#include <algorithm>
#include <cmath>

#include "model/target_clones.h"

namespace mixmatch::model {
namespace {

MIXMATCH_CLONES
void AffineSweep(const float* weights, const float* bias, const float* in, int in_dim, int units, float* sum) {
  for (int u = 0; u < units; ++u) sum[u] = bias[u];
  for (int i = 0; i < in_dim; ++i) {
    const float x = in[i];
    if (x == 0.0f) continue;
    const float* row = weights + static_cast<int64_t>(i) * units;
    for (int u = 0; u < units; ++u) sum[u] += x * row[u];
  }
}

}  // namespace

uint64_t SplitMix::Next() {
  uint64_t z = (state_ += 0x9e3779b97f4a7c15ull);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

float SplitMix::Uniform() { return static_cast<float>(Next() >> 40) * 0x1.0p-24f; }

float SplitMix::Normal() {
  const float u = std::max(Uniform(), 1e-7f);
  const float v = Uniform();
  return std::sqrt(-2.0f * std::log(u)) * std::cos(6.2831853f * v);
}

RandomUnits::RandomUnits(int in_dim, int units, float gain, float bias_mean, float bias_std, uint64_t seed)
    : in_dim_(in_dim), units_(units), weights_(static_cast<size_t>(in_dim) * units), bias_(units) {
  SplitMix random(seed);
  const float scale = gain / std::sqrt(static_cast<float>(in_dim));
  for (float& w : weights_) w = random.Normal() * scale;
  for (float& b : bias_) b = bias_mean + bias_std * random.Normal();
}

void RandomUnits::Accumulate(const float* in, float* out) const {
  thread_local std::vector<float> sum;
  sum.resize(units_);
  AffineSweep(weights_.data(), bias_.data(), in, in_dim_, units_, sum.data());
  for (int u = 0; u < units_; ++u) out[u] += std::max(0.0f, sum[u]);
}

void AppendBlock(absl::Span<const float> values, float power, float weight, std::vector<float>& out) {
  const size_t begin = out.size();
  double energy = 0.0;
  for (float v : values) {
    if (!std::isfinite(v)) v = 0.0f;
    const float magnitude = std::fabs(v);
    float p = power == 1.0f ? magnitude : power == 0.5f ? std::sqrt(magnitude) : std::pow(magnitude, power);
    if (v < 0.0f) p = -p;
    energy += static_cast<double>(p) * p;
    out.push_back(p);
  }
  if (!(energy > 1e-20) || !std::isfinite(energy)) {
    std::fill(out.begin() + begin, out.end(), 0.0f);
    return;
  }
  const float scale = weight / static_cast<float>(std::sqrt(energy));
  for (size_t i = begin; i < out.size(); ++i) out[i] *= scale;
}

void Axpy(float a, const float* x, float* y, int n) {
  for (int i = 0; i < n; ++i) y[i] += a * x[i];
}

float Quantile(absl::Span<const float> values, float q) {
  if (values.empty()) return 0.0f;
  std::vector<float> copy(values.begin(), values.end());
  const size_t at = std::min(copy.size() - 1, static_cast<size_t>(q * (copy.size() - 1) + 0.5f));
  std::nth_element(copy.begin(), copy.begin() + at, copy.end());
  return copy[at];
}

}  // namespace mixmatch::model
