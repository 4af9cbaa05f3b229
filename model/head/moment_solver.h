// Maps from moments: the leading directions in which parts of one event agree. Internal to the head.
#ifndef MIXMATCH_MODEL_HEAD_MOMENT_SOLVER_H_
#define MIXMATCH_MODEL_HEAD_MOMENT_SOLVER_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/head/associative_head.h"
#include "model/head/moments.h"

namespace mixmatch::model {

// Lengths of the blocks of a slot's features: those of the options, or one of all.
std::vector<int> BlocksOf(const AssociativeHeadOptions& options, size_t slot);

// The lower Cholesky factor of C + Lambda: to the variance of each feature of block b is added ridges[b] times the mean of
// all. Where rounding has made C not positive, ten times as much is added, up to 10,000 times. INTERNAL if none will do.
absl::StatusOr<at::Tensor> RegularFactor(const at::Tensor& c, const std::vector<int>& blocks,
                                         const std::vector<double>& ridges);

// Solves B a = rho (C + Lambda) a for the leading columns, in coordinates that make C + Lambda the identity. Call under
// c10::InferenceMode; throws what torch throws. Not thread-safe.
class MomentSolver {
 public:
  // All arguments outlive it.
  MomentSolver(const Moments& moments, const AssociativeHeadOptions& options, const HeadRidges& ridges);

  // INTERNAL: the moments are not positive, whatever the ridge.
  absl::Status Factor();
  // `start` holds one matrix [dims + 1, columns] a modality, or undefined ones.
  void Iterate(const std::vector<at::Tensor>& start, int iterations);

  int64_t total() const { return total_; }
  const std::vector<size_t>& active() const { return active_; }
  const at::Tensor& rho() const { return rho_; }                              // [columns], double, not increasing
  at::Tensor Whitened(size_t i) const { return Block(solution_, i); }         // P_m: [dims + 1, columns]
  const at::Tensor& Directions(size_t i) const { return directions_[i]; }     // L^-T P_m
  double change() const { return change_; }

 private:
  at::Tensor Block(const at::Tensor& stacked, size_t i) const {
    return stacked.narrow(0, begin_[i], moments_.dims[active_[i]] + 1);
  }
  at::Tensor Unwhiten(const at::Tensor& stacked, size_t i) const;
  at::Tensor Apply(const at::Tensor& q) const;
  at::Tensor RecentDirections() const;

  const Moments& moments_;
  const AssociativeHeadOptions& options_;
  const HeadRidges& ridges_;
  std::vector<size_t> active_;
  std::vector<int64_t> begin_;
  int64_t total_ = 0;
  std::vector<at::Tensor> factors_;
  at::Tensor rho_, solution_;
  std::vector<at::Tensor> directions_;
  double change_ = 1.0;
};

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_HEAD_MOMENT_SOLVER_H_
