#include "model/head/ridge_choice.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "model/head/held_out_events.h"
#include "model/head/moment_solver.h"

namespace mixmatch::model {
namespace {

constexpr int kShare = 5;               // One event of so many is held out at a time,
constexpr int kMostFolds = 5;           // and so many times.
constexpr int kIterations = 4;          // From the seed: which ridge is best shows before the last columns have converged.
constexpr int kBelow = -3, kAbove = 6;  // Candidates, in half decades from the default,
constexpr double kPriorDecades = 1.0;   // and how far they are expected to lie from it.
constexpr double kBlockDecades = 0.5;   // The same for a block against its modality, a decade up or down.
constexpr std::array<double, 8> kSharpness = {1, 2, 4, 8, 16, 32, 64, 128};

// Logarithms, to the base 10, of a ridge over its default, with what speaks for each.
struct Candidates {
  explicit Candidates(std::vector<double> at) : decades(std::move(at)), likelihood(decades.size()) {
    for (auto& row : likelihood) row.fill(0.0);
  }
  std::vector<double> decades;
  std::vector<std::array<double, kSharpness.size()>> likelihood;  // Nats, by sharpness.

  double Best(size_t c) const { return *std::max_element(likelihood[c].begin(), likelihood[c].end()); }
  double PosteriorMean(double deviation) const {
    std::vector<double> log(decades.size());
    for (size_t c = 0; c < decades.size(); ++c) log[c] = Best(c) - 0.5 * std::pow(decades[c] / deviation, 2);
    const double most = *std::max_element(log.begin(), log.end());
    double sum = 0, mean = 0;
    for (size_t c = 0; c < decades.size(); ++c) {
      sum += std::exp(log[c] - most);
      mean += std::exp(log[c] - most) * decades[c];
    }
    return mean / sum;
  }
};

// One part of each modality of each held-out event.
struct HeldOut {
  std::vector<at::Tensor> rows;               // [events, dims + 1], zeros where the event lacks the modality.
  std::vector<std::vector<uint64_t>> hashes;  // Of the part; 0 where there is none.
};

HeldOut RowsOf(const std::vector<const EventChange*>& events, const std::vector<int>& dims) {
  const int64_t count = static_cast<int64_t>(events.size());
  HeldOut held;
  held.hashes.assign(dims.size(), std::vector<uint64_t>(events.size(), 0));
  for (int d : dims) held.rows.push_back(at::zeros({count, d + 1}, at::kFloat));
  for (size_t e = 0; e < events.size(); ++e) {
    const float* part = events[e]->features.data();
    for (size_t i = 0; i < events[e]->slots.size(); ++i) {
      const int slot = events[e]->slots[i], d = dims[slot];
      uint64_t& known = held.hashes[slot][e];
      // The part of the lowest hash: whatever the order of the parts.
      if (const uint64_t hash = PartHash(*events[e], i, dims) | 1; known == 0 || hash < known) {
        known = hash;
        float* row = held.rows[slot][static_cast<int64_t>(e)].data_ptr<float>();
        std::copy(part, part + d, row);
        row[d] = 1.0f;
      }
      part += d;
    }
  }
  return held;
}

// The share of events that hold a part which another holds too.
double Returning(const std::vector<const EventChange*>& events, const std::vector<int>& dims) {
  std::map<uint64_t, std::set<size_t>> holders;
  for (size_t e = 0; e < events.size(); ++e) {
    for (size_t i = 0; i < events[e]->slots.size(); ++i) holders[PartHash(*events[e], i, dims)].insert(e);
  }
  std::set<size_t> returning;
  for (const auto& [part, held_by] : holders) {
    if (held_by.size() > 1) returning.insert(held_by.begin(), held_by.end());
  }
  return static_cast<double>(returning.size()) / static_cast<double>(events.size());
}

at::Tensor UnitRows(const at::Tensor& rows) { return rows / rows.norm(2, 1, true).clamp_min(1e-20); }

// Adds, for each sharpness, the log-likelihood of the right columns of every row, times its weight.
void AddLikelihood(const at::Tensor& cosines, const std::vector<uint64_t>& answers, const std::vector<double>& weights,
                   std::array<double, kSharpness.size()>* sums) {
  const at::Tensor dense = cosines.contiguous();
  const float* row = dense.data_ptr<float>();
  for (size_t e = 0; e < answers.size(); ++e, row += answers.size()) {
    for (size_t s = 0; s < kSharpness.size(); ++s) {
      double right = 0, all = 0;
      for (size_t other = 0; other < answers.size(); ++other) {
        const double mass = std::exp(kSharpness[s] * (row[other] - 1.0));
        all += mass;
        if (answers[other] == answers[e]) right += mass;
      }
      (*sums)[s] += weights[e] * std::log(right / all);
    }
  }
}

// What was learned from all events but those of one fold, to be tried on these.
class Fold {
 public:
  Fold(const Moments& moments, const std::vector<const EventChange*>& events, const AssociativeHeadOptions& options)
      : options_(options), train_(moments.Clone()), held_(RowsOf(events, moments.dims)) {
    std::vector<EventChange> gone;
    for (const EventChange* event : events) {
      gone.push_back(*event);
      gone.back().sign = -1.0f;
    }
    train_.Fold(gone, options.single_weight);
  }

  absl::Status Solve(const HeadRidges& ridges);
  // Tries ridges of modality m: base[b] for each block, times ten to the candidate's decades for those from `first` to `last`.
  absl::Status Try(size_t m, const std::vector<double>& base, size_t first, size_t last, Candidates* candidates) const;

 private:
  void Compare(size_t m, const at::Tensor& mapped, std::array<double, kSharpness.size()>* sums) const;

  const AssociativeHeadOptions& options_;
  Moments train_;
  const HeldOut held_;
  std::vector<at::Tensor> directions_;  // By modality; undefined where it was not seen.
  std::vector<at::Tensor> mapped_;      // Held-out parts, [events, columns], unit rows.
};

absl::Status Fold::Solve(const HeadRidges& ridges) {
  MomentSolver solver(train_, options_, ridges);
  if (absl::Status status = solver.Factor(); !status.ok()) return status;
  solver.Iterate(std::vector<at::Tensor>(train_.dims.size()), kIterations);
  const int64_t kept = std::min<int64_t>(options_.dim, solver.rho().size(0));
  const at::Tensor scale = solver.rho().narrow(0, 0, kept).to(at::kFloat);
  directions_.assign(train_.dims.size(), at::Tensor());
  mapped_ = directions_;
  for (size_t i = 0; i < solver.active().size(); ++i) {
    const size_t m = solver.active()[i];
    directions_[m] = solver.Directions(i).narrow(1, 0, kept).contiguous();
    mapped_[m] = UnitRows(at::mm(held_.rows[m], directions_[m] * scale));
  }
  return absl::OkStatus();
}

absl::Status Fold::Try(size_t m, const std::vector<double>& base, size_t first, size_t last,
                       Candidates* candidates) const {
  if (!directions_[m].defined()) return absl::OkStatus();
  at::Tensor targets = at::zeros_like(directions_[m]);
  for (size_t n = 0; n < train_.dims.size(); ++n) {
    const at::Tensor& b = train_.between[std::min(m, n)][std::max(m, n)];
    if (n != m && b.defined() && directions_[n].defined()) targets.addmm_(m < n ? b : b.t(), directions_[n]);
  }
  for (size_t c = 0; c < candidates->decades.size(); ++c) {
    std::vector<double> ridges = base;
    for (size_t b = first; b < last; ++b) ridges[b] *= std::pow(10.0, candidates->decades[c]);
    absl::StatusOr<at::Tensor> factor = RegularFactor(train_.within[m], BlocksOf(options_, m), ridges);
    if (!factor.ok()) return factor.status();
    Compare(m, UnitRows(at::mm(held_.rows[m], at::cholesky_solve(targets, *factor))), &candidates->likelihood[c]);
  }
  return absl::OkStatus();
}

// Each event weighs 1, shared by its other modalities and the two ways to ask.
void Fold::Compare(size_t m, const at::Tensor& mapped, std::array<double, kSharpness.size()>* sums) const {
  const size_t events = held_.hashes[m].size();
  std::vector<int> partners(events, 0);
  for (size_t n = 0; n < held_.hashes.size(); ++n) {
    for (size_t e = 0; e < events; ++e) partners[e] += n != m && mapped_[n].defined() && held_.hashes[n][e] != 0;
  }
  for (size_t n = 0; n < held_.hashes.size(); ++n) {
    if (n == m || !mapped_[n].defined()) continue;
    std::vector<int64_t> both;
    std::vector<uint64_t> own, other;
    std::vector<double> weights;
    for (size_t e = 0; e < events; ++e) {
      if (held_.hashes[m][e] == 0 || held_.hashes[n][e] == 0) continue;
      both.push_back(static_cast<int64_t>(e));
      own.push_back(held_.hashes[m][e]);
      other.push_back(held_.hashes[n][e]);
      weights.push_back(0.5 / partners[e]);
    }
    if (both.size() < 2) continue;
    const at::Tensor at_rows = at::from_blob(both.data(), {static_cast<int64_t>(both.size())}, at::kLong);
    const at::Tensor cosines = at::mm(mapped.index_select(0, at_rows), mapped_[n].index_select(0, at_rows).t());
    AddLikelihood(cosines, other, weights, sums);
    AddLikelihood(cosines.t(), own, weights, sums);
  }
}

// Solves every fold under `ridges`, and tries candidates of the blocks from first[m] on.
absl::Status TryAll(const Moments& moments, const std::vector<const EventChange*>& sample,
                    const AssociativeHeadOptions& options, const HeadRidges& ridges, size_t first,
                    const std::function<bool()>& cancelled, std::vector<Candidates>* candidates) {
  const int64_t each = std::max<int64_t>(1, moments.events / kShare), count = static_cast<int64_t>(sample.size());
  const int64_t folds = std::clamp<int64_t>((count + each - 1) / each, 1, kMostFolds);
  for (int64_t f = 0; f < folds; ++f) {
    std::vector<const EventChange*> events;
    for (int64_t i = f; i < count; i += folds) events.push_back(sample[i]);
    Fold fold(moments, events, options);
    if (absl::Status status = fold.Solve(ridges); !status.ok()) return status;
    for (size_t m = 0; m < moments.dims.size(); ++m) {
      if (first >= ridges[m].size()) continue;
      if (cancelled()) return absl::CancelledError("head.ridge: interrupted");
      const absl::Status status = fold.Try(m, ridges[m], first, ridges[m].size(), &(*candidates)[m]);
      if (!status.ok()) return status;
    }
  }
  return absl::OkStatus();
}

}  // namespace

HeadRidges DefaultRidges(const AssociativeHeadOptions& options) {
  HeadRidges ridges;
  for (size_t m = 0; m < options.feature_dims.size(); ++m) {
    ridges.emplace_back(BlocksOf(options, m).size(), options.ridge);
  }
  return ridges;
}

absl::StatusOr<RidgeReport> ChooseRidges(const Moments& moments, const std::vector<const EventChange*>& sample,
                                         const AssociativeHeadOptions& options,
                                         const std::function<bool()>& cancelled) {
  RidgeReport report;
  report.ridges = DefaultRidges(options);
  report.events = moments.events;
  if (moments.events < kLeastRidgeEvents || static_cast<int64_t>(sample.size()) < kLeastRidgeEvents / kShare) return report;
  if (Returning(sample, moments.dims) < options.least_returning) return report;
  report.held_out = static_cast<int64_t>(sample.size());
  std::vector<double> steps;
  for (int k = kBelow; k <= kAbove; ++k) steps.push_back(0.5 * k);
  std::vector<Candidates> ridges(moments.dims.size(), Candidates(steps));
  absl::Status tried = TryAll(moments, sample, options, report.ridges, 0, cancelled, &ridges);
  if (!tried.ok()) return tried;
  size_t blocks = 0;
  for (size_t m = 0; m < moments.dims.size(); ++m) {
    blocks = std::max(blocks, report.ridges[m].size());
    if (ridges[m].Best(0) == 0.0) continue;  // Nothing to be found by it.
    for (double& ridge : report.ridges[m]) ridge *= std::pow(10.0, ridges[m].PosteriorMean(kPriorDecades));
  }
  for (size_t b = 1; b < blocks; ++b) {
    std::vector<Candidates> block(moments.dims.size(), Candidates({-1.0, 0.0, 1.0}));
    tried = TryAll(moments, sample, options, report.ridges, b, cancelled, &block);
    if (!tried.ok()) return tried;
    for (size_t m = 0; m < moments.dims.size(); ++m) {
      if (b < report.ridges[m].size() && block[m].Best(0) != 0.0) {
        for (size_t later = b; later < report.ridges[m].size(); ++later) {
          report.ridges[m][later] *= std::pow(10.0, block[m].PosteriorMean(kBlockDecades));
        }
      }
    }
  }
  return report;
}

}  // namespace mixmatch::model
