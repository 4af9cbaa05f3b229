// The accumulated second moments of what occurred together. Internal to the head.
#ifndef MIXMATCH_MODEL_HEAD_MOMENTS_H_
#define MIXMATCH_MODEL_HEAD_MOMENTS_H_

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "absl/types/span.h"

namespace mixmatch::model {

// Columns that the solver carries beyond dim: they speed up convergence of the last ones.
inline constexpr int kOversample = 64;

// An event added or removed. Rows of `features` lie part after part.
struct EventChange {
  float sign = 1.0f;
  float weight = 1.0f;
  uint64_t key = 0;
  std::vector<int> slots;
  std::vector<float> features;
};

// See associative_head.h for the formulae. Undefined tensors stand for zeros. Not thread-safe.
struct Moments {
  explicit Moments(const std::vector<int>& feature_dims)
      : dims(feature_dims), within(dims.size()), mass(dims.size(), 0.0) {
    between.resize(dims.size(), std::vector<at::Tensor>(dims.size()));
  }
  std::vector<int> dims;                         // Without the appended 1.
  std::vector<at::Tensor> within;                // C_m: [dims + 1, dims + 1]
  std::vector<std::vector<at::Tensor>> between;  // B_mn for m <= n: [dims_m + 1, dims_n + 1]
  std::vector<double> mass;                      // Sum of u_e over events that hold the modality.
  int64_t events = 0;
  int64_t singles = 0;
  int64_t fresh = 0;  // Changes folded since the last solve.
  // Sums of the newest events, by modality (empty: absent): the solver looks in their directions first.
  std::deque<std::vector<std::vector<float>>> recent;

  bool Active(size_t m) const { return within[m].defined() && mass[m] > 1e-9; }
  // Adds or subtracts, by each change's sign. Throws what torch throws.
  void Fold(absl::Span<const EventChange> changes, double single_weight);
  // A copy that shares no tensor with this one.
  Moments Clone() const;

 private:
  void Remember(absl::Span<const EventChange> changes, const std::vector<std::vector<int64_t>>& owner,
                const std::vector<std::vector<float>>& sums);
};

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_HEAD_MOMENTS_H_
