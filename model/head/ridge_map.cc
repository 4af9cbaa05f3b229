#include "model/head/ridge_map.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <exception>

#include "absl/strings/str_cat.h"

namespace mixmatch::model {
namespace {

constexpr double kLambdas[] = {1e-4, 1e-3, 1e-2, 1e-1, 1.0};
constexpr int kHeldOut = 5;  // One row of so many chooses lambda.
constexpr int64_t kFewRows = 10;

at::Tensor Rows(absl::Span<const float> values, int dim) {
  return at::from_blob(const_cast<float*>(values.data()), {static_cast<int64_t>(values.size()) / dim, dim}, at::kFloat);
}

at::Tensor WithOne(const at::Tensor& rows) { return at::cat({rows, at::ones({rows.size(0), 1}, rows.options())}, 1); }

at::Tensor UnitRows(const at::Tensor& rows) { return rows / rows.norm(2, 1, true).clamp_min(1e-12); }

// In double: a gram of outputs that hardly vary is near singular. `from` has the ones.
class Normal {
 public:
  Normal(const at::Tensor& from, const at::Tensor& to)
      : gram_(at::mm(from.t(), from)), cross_(at::mm(from.t(), to)), scale_(gram_.diagonal().mean().item<double>()) {}

  at::Tensor Solve(double lambda) const {
    const int64_t in = gram_.size(0), out = cross_.size(1);
    const double ridge = std::max(lambda * scale_, 1e-12);
    at::Tensor right = cross_;
    if (in == out + 1) right = cross_ + ridge * at::eye(in, out, cross_.options());
    return at::linalg_solve(gram_ + ridge * at::eye(in, gram_.options()), right);
  }

 private:
  at::Tensor gram_, cross_;
  double scale_;
};

}  // namespace

absl::StatusOr<RidgeMap> RidgeMap::Fit(absl::Span<const float> from, int from_dim, absl::Span<const float> to,
                                       int to_dim) {
  const size_t rows = from_dim < 1 ? 0 : from.size() / from_dim;
  if (rows == 0 || to_dim < 1 || from.size() != rows * from_dim || to.size() != rows * to_dim) {
    return absl::InvalidArgumentError(absl::StrCat("ridge map: got ", from.size(), " and ", to.size(),
                                                   " values, wanted the same rows of ", from_dim, " and ", to_dim));
  }
  try {
    const c10::InferenceMode guard;
    const at::Tensor x = WithOne(Rows(from, from_dim).to(at::kDouble)), y = Rows(to, to_dim).to(at::kDouble);
    if (!at::isfinite(x).all().item<bool>() || !at::isfinite(y).all().item<bool>()) {
      return absl::InvalidArgumentError("ridge map: a value is not finite");
    }
    double chosen = 1.0, best = 0.0;
    if (static_cast<int64_t>(rows) >= kFewRows) {
      const at::Tensor held = at::arange(x.size(0), at::kLong).remainder(kHeldOut).eq(kHeldOut - 1);
      const at::Tensor kept_rows = held.logical_not().nonzero().squeeze(1), held_rows = held.nonzero().squeeze(1);
      const Normal normal(x.index_select(0, kept_rows), y.index_select(0, kept_rows));
      const at::Tensor held_x = x.index_select(0, held_rows), held_y = UnitRows(y.index_select(0, held_rows));
      best = -2.0;
      for (double lambda : kLambdas) {
        const at::Tensor predicted = UnitRows(at::mm(held_x, normal.Solve(lambda)));
        const double agreement = (predicted * held_y).sum(1).mean().item<double>();
        if (agreement > best) {
          best = agreement;
          chosen = lambda;
        }
      }
    }
    const at::Tensor weights = Normal(x, y).Solve(chosen).to(at::kFloat).contiguous();
    return RidgeMap(from_dim, to_dim, {weights.data_ptr<float>(), weights.data_ptr<float>() + weights.numel()}, best);
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("ridge map: ", error.what()));
  }
}

absl::Status RidgeMap::Apply(absl::Span<const float> rows, absl::Span<float> out) const {
  const size_t count = rows.size() / from_dim_;
  if (rows.size() != count * from_dim_ || out.size() != count * to_dim_) {
    return absl::InvalidArgumentError(absl::StrCat("ridge map: got ", rows.size(), " values and room for ", out.size(),
                                                   ", wanted rows of ", from_dim_, " and ", to_dim_));
  }
  if (count == 0) return absl::OkStatus();
  try {
    const c10::InferenceMode guard;
    const at::Tensor weights = Rows(weights_, to_dim_);
    at::Tensor to = Rows({out.data(), out.size()}, to_dim_);
    to.copy_(UnitRows(at::addmm(weights[from_dim_], Rows(rows, from_dim_), weights.narrow(0, 0, from_dim_))));
    return absl::OkStatus();
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("ridge map: ", error.what()));
  }
}

}  // namespace mixmatch::model
