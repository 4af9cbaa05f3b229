#include "model/head/moment_solver.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "model/head/random_projection.h"

namespace mixmatch::model {
namespace {

constexpr int kColdIterations = 8;
constexpr int kWarmIterations = 1;     // When no more than kOversample events are new,
constexpr int kCatchUpIterations = 3;  // and when more are.

at::Tensor Start(int64_t rows, int64_t columns, uint64_t seed) {
  const std::vector<float> values = RandomProjection(static_cast<int>(rows), static_cast<int>(columns), seed);
  return at::from_blob(const_cast<float*>(values.data()), {rows, columns}, at::kFloat).clone();
}

}  // namespace

std::vector<int> BlocksOf(const AssociativeHeadOptions& options, size_t slot) {
  if (options.blocks.empty()) return {options.feature_dims[slot]};
  return options.blocks[slot];
}

absl::StatusOr<at::Tensor> RegularFactor(const at::Tensor& c, const std::vector<int>& blocks,
                                         const std::vector<double>& ridges) {
  const double mean = c.diagonal().sum().item<double>() / static_cast<double>(c.size(0));
  for (double more = 1.0; more <= 1e4; more *= 10.0) {
    at::Tensor regular = c.clone();
    int64_t begin = 0;
    for (size_t b = 0; b < blocks.size(); ++b) {
      const int64_t length = b + 1 < blocks.size() ? blocks[b] : c.size(0) - begin;  // The last one has the 1 behind it.
      regular.diagonal().narrow(0, begin, length).add_(std::max(1e-12, more * ridges[b] * mean));
      begin += length;
    }
    auto [l, failed] = at::linalg_cholesky_ex(regular);
    if (failed.item<int>() == 0) return l;
  }
  return absl::InternalError("head.solve: moments of a modality are not positive; rebuild the head from the stored features");
}

MomentSolver::MomentSolver(const Moments& moments, const AssociativeHeadOptions& options, const HeadRidges& ridges)
    : moments_(moments), options_(options), ridges_(ridges) {
  for (size_t m = 0; m < moments.dims.size(); ++m) {
    if (!moments.Active(m)) continue;
    active_.push_back(m);
    begin_.push_back(total_);
    total_ += moments.dims[m] + 1;
  }
}

absl::Status MomentSolver::Factor() {
  for (size_t m : active_) {
    absl::StatusOr<at::Tensor> factor = RegularFactor(moments_.within[m], BlocksOf(options_, m), ridges_[m]);
    if (!factor.ok()) return factor.status();
    factors_.push_back(*std::move(factor));
  }
  return absl::OkStatus();
}

at::Tensor MomentSolver::Unwhiten(const at::Tensor& stacked, size_t i) const {
  return at::linalg_solve_triangular(factors_[i].t(), Block(stacked, i), /*upper=*/true);
}

at::Tensor MomentSolver::Apply(const at::Tensor& q) const {
  std::vector<at::Tensor> w, out;
  for (size_t i = 0; i < active_.size(); ++i) w.push_back(Unwhiten(q, i));
  for (size_t i = 0; i < active_.size(); ++i) {
    at::Tensor y = at::zeros({moments_.dims[active_[i]] + 1, q.size(1)}, at::kFloat);
    for (size_t j = 0; j < active_.size(); ++j) {
      const size_t m = std::min(active_[i], active_[j]), k = std::max(active_[i], active_[j]);
      const at::Tensor& b = moments_.between[m][k];
      if (!b.defined()) continue;
      y.addmm_(active_[i] <= active_[j] ? b : b.t(), w[j]);
    }
    out.push_back(at::linalg_solve_triangular(factors_[i], y, /*upper=*/false));
  }
  return at::cat(out, 0);
}

// The newest events' sums in whitened coordinates: [total, events].
at::Tensor MomentSolver::RecentDirections() const {
  const int64_t count = static_cast<int64_t>(moments_.recent.size());
  std::vector<at::Tensor> blocks;
  for (size_t i = 0; i < active_.size(); ++i) {
    const size_t m = active_[i];
    at::Tensor sums = at::zeros({count, moments_.dims[m] + 1}, at::kFloat);
    for (int64_t e = 0; e < count; ++e) {
      const std::vector<float>& sum = moments_.recent[e][m];
      if (!sum.empty()) std::copy(sum.begin(), sum.end(), sums[e].data_ptr<float>());
    }
    blocks.push_back(at::linalg_solve_triangular(factors_[i], sums.t().contiguous(), /*upper=*/false));
  }
  return at::cat(blocks, 0);
}

void MomentSolver::Iterate(const std::vector<at::Tensor>& start, int iterations) {
  // B has no more directions than there are events.
  const int64_t useful = (moments_.events + moments_.singles) / kOversample * kOversample + 2 * kOversample;
  const int64_t columns = std::min({total_, static_cast<int64_t>(options_.dim + kOversample), useful});
  bool warm = true;
  std::vector<at::Tensor> blocks;
  for (size_t i = 0; i < active_.size(); ++i) {
    const int width = moments_.dims[active_[i]] + 1;
    const at::Tensor& v = start[active_[i]];
    const int64_t known = v.defined() ? std::min(columns, v.size(1)) : 0;
    warm = warm && v.defined();
    at::Tensor block;
    if (known < columns) {
      block = Start(width, columns, options_.seed + 100 + active_[i]);
      block.mul_(0.05f);
    } else {
      block = at::empty({width, columns}, at::kFloat);
    }
    if (known > 0) block.narrow(1, 0, known).copy_(at::mm(factors_[i].t(), v.narrow(1, 0, known)));
    blocks.push_back(block);
  }
  at::Tensor q = at::cat(blocks, 0);
  at::Tensor before;
  if (const int64_t newest = static_cast<int64_t>(moments_.recent.size()); warm && newest > 0) {
    const int64_t replaced = std::min({newest, static_cast<int64_t>(kOversample), columns / 2});
    q.narrow(1, columns - replaced, replaced).copy_(RecentDirections().narrow(1, newest - replaced, replaced));
  }
  q = std::get<0>(at::linalg_qr(q));
  before = q;
  if (iterations <= 0) {
    iterations = !warm ? kColdIterations : moments_.fresh > kOversample ? kCatchUpIterations : kWarmIterations;
  }
  for (int step = 1; step < iterations; ++step) q = std::get<0>(at::linalg_qr(Apply(q)));
  const at::Tensor applied = Apply(q);
  const at::Tensor h = at::mm(q.t(), applied).to(at::kDouble);
  auto [values, vectors] = at::linalg_eigh((h + h.t()) * 0.5);
  rho_ = values.flip(0).clamp(0.0, 1.0);
  // B applied once more than the values were taken from: one step nearer for nothing. Columns that B sends to nothing
  // are noise and have no weight in the maps.
  solution_ = at::mm(applied, vectors.flip(1).to(at::kFloat).contiguous());
  solution_.div_(solution_.norm(2, {0}, /*keepdim=*/true).clamp_min(1e-6));
  for (size_t i = 0; i < active_.size(); ++i) directions_.push_back(Unwhiten(solution_, i));
  if (warm) {
    const int64_t kept = std::min<int64_t>(columns, options_.dim);
    const at::Tensor turned = at::mm(before.narrow(1, 0, kept).t(), solution_.narrow(1, 0, kept));
    const double overlap = turned.square().sum().item<double>() / kept;
    change_ = std::clamp(1.0 - overlap, 0.0, 1.0);
  }
}

}  // namespace mixmatch::model
