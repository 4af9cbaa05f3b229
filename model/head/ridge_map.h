// Predicts the vectors of one space from those of another: an affine map, fitted by ridge regression on vectors that
// exist in both. W minimises |[x 1] W - y|^2 + lambda m |W - W0|^2, m the mean square of a feature; W0 is the identity
// where both spaces have as many dimensions (the second is then mostly a later state of the first), else 0.
#ifndef MIXMATCH_MODEL_HEAD_RIDGE_MAP_H_
#define MIXMATCH_MODEL_HEAD_RIDGE_MAP_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace mixmatch::model {

// Immutable; const methods may run concurrently.
class RidgeMap {
 public:
  // `from` is row-major [rows, from_dim], `to` [rows, to_dim]. lambda is, of .0001 to 1, the one under which every fifth
  // row is predicted best from the others; with fewer than 10 rows it is 1. INVALID_ARGUMENT on no rows, sizes that do
  // not fit or a value that is not finite.
  static absl::StatusOr<RidgeMap> Fit(absl::Span<const float> from, int from_dim, absl::Span<const float> to, int to_dim);

  // Maps row-major [rows, from_dim] to unit vectors [rows, to_dim]; a row that maps to nothing becomes zeros.
  // INVALID_ARGUMENT on sizes that do not fit.
  absl::Status Apply(absl::Span<const float> rows, absl::Span<float> out) const;

  // Mean cosine between prediction and truth over the rows that lambda was chosen on, before these were learned too; 0 if
  // there were too few.
  double agreement() const { return agreement_; }

 private:
  RidgeMap(int from_dim, int to_dim, std::vector<float> weights, double agreement)
      : from_dim_(from_dim), to_dim_(to_dim), weights_(std::move(weights)), agreement_(agreement) {}

  int from_dim_;
  int to_dim_;
  std::vector<float> weights_;  // [from_dim + 1, to_dim]
  double agreement_;
};

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_HEAD_RIDGE_MAP_H_
