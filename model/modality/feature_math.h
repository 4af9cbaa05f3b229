// Arithmetic that the fixed descriptors of every modality share. Deterministic: the same input gives the same bits in
// every process of one machine; random weights come from a seed alone.
#ifndef MIXMATCH_MODEL_MODALITY_FEATURE_MATH_H_
#define MIXMATCH_MODEL_MODALITY_FEATURE_MATH_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace mixmatch::model {

// SplitMix64 (Steele et al. 2014): small, fast, the same on every platform.
class SplitMix {
 public:
  explicit SplitMix(uint64_t seed) : state_(seed) {}
  uint64_t Next();
  // Uniform in [0, 1).
  float Uniform();
  // Standard normal (Box-Muller).
  float Normal();

 private:
  uint64_t state_;
};

// A frozen layer of random rectified units, out = max(0, W in + b) (random features: Rahimi & Recht 2007; as frozen
// read-in of a continual learner: RanPAC, McDonnell et al. 2023). W is N(0, 1/in_dim) * gain, b is N(0, 1) * bias_std
// + bias_mean. Immutable and safe to share between threads.
class RandomUnits {
 public:
  RandomUnits(int in_dim, int units, float gain, float bias_mean, float bias_std, uint64_t seed);
  int in_dim() const { return in_dim_; }
  int units() const { return units_; }

  // out[u] += max(0, w_u . in + b_u). `in` has in_dim() values, `out` units().
  void Accumulate(const float* in, float* out) const;

 private:
  int in_dim_;
  int units_;
  std::vector<float> weights_;  // [in_dim, units]: a column sweep vectorises over units.
  std::vector<float> bias_;     // [units]
};

// Appends one block of descriptors to `out`: signed power `power` of each value, then scaled to Euclidean norm
// `weight`. A block that is all zero stays zero. Non-finite values become zero.
void AppendBlock(absl::Span<const float> values, float power, float weight, std::vector<float>& out);

// y[0..n) += a * x[0..n).
void Axpy(float a, const float* x, float* y, int n);

// The value at quantile q in [0, 1] of `values` (copied); 0 for an empty span.
float Quantile(absl::Span<const float> values, float q);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MODALITY_FEATURE_MATH_H_
