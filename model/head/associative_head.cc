#include "model/head/associative_head.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <deque>
#include <exception>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "model/annotated_mutex.h"
#include "model/head/bytes.h"
#include "model/head/random_projection.h"

namespace mixmatch::model {
namespace {

constexpr uint32_t kMagic = 0x3148414d;  // "MAH1"
constexpr int kMostSlots = 16;
constexpr int kOversample = 64;       // Columns carried beyond dim: they speed up convergence of the last ones.
constexpr int kChunkEvents = 256;     // Events folded by one matrix product.
constexpr int64_t kQueueRows = 4096;  // Beyond this Add folds: about 25 MB of features.
constexpr int kColdIterations = 8;
constexpr int kWarmIterations = 1;   // When no more than kOversample events are new,
constexpr int kCatchUpIterations = 3;  // and when more are.

// One queued change. Rows of `features` lie part after part.
struct Change {
  float sign = 1.0f;
  float weight = 1.0f;
  uint64_t key = 0;
  std::vector<int> slots;
  std::vector<float> features;
};

double SecondsSince(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

at::Tensor FromFloats(const std::vector<float>& values, at::IntArrayRef shape) {
  return at::from_blob(const_cast<float*>(values.data()), shape, at::kFloat).clone();
}

std::vector<float> ToFloats(const at::Tensor& tensor) {
  const at::Tensor dense = tensor.contiguous();
  return std::vector<float>(dense.data_ptr<float>(), dense.data_ptr<float>() + dense.numel());
}

// The accumulated moments of all modalities (see the header). Undefined tensors stand for zeros.
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
  void Fold(absl::Span<const Change> changes, double single_weight);

 private:
  void Remember(absl::Span<const Change> changes, const std::vector<std::vector<int64_t>>& owner,
                const std::vector<std::vector<float>>& sums);
};

void Moments::Remember(absl::Span<const Change> changes, const std::vector<std::vector<int64_t>>& owner,
                       const std::vector<std::vector<float>>& sums) {
  std::vector<size_t> next(dims.size(), 0);
  for (int64_t e = 0; e < static_cast<int64_t>(changes.size()); ++e) {
    const bool keep = changes[e].sign > 0 && changes[e].slots.size() > 1;
    std::vector<std::vector<float>> event(dims.size());
    for (size_t m = 0; m < dims.size(); ++m) {
      if (next[m] == owner[m].size() || owner[m][next[m]] != e) continue;
      const float* sum = &sums[m][next[m]++ * (dims[m] + 1)];
      if (keep) event[m].assign(sum, sum + dims[m] + 1);
    }
    if (!keep) continue;
    recent.push_back(std::move(event));
    if (recent.size() > kOversample) recent.pop_front();
  }
}

void Moments::Fold(absl::Span<const Change> changes, double single_weight) {
  const size_t slots = dims.size();
  const int64_t n = static_cast<int64_t>(changes.size());
  fresh += std::count_if(changes.begin(), changes.end(), [](const Change& c) { return c.sign > 0; });
  // Per modality: rows of every part, and one row of the sum of each event that has the modality.
  std::vector<std::vector<float>> rows(slots), row_scale(slots), sums(slots), sum_scale(slots);
  std::vector<std::vector<int64_t>> owner(slots);  // The event of each sum row.
  for (int64_t e = 0; e < n; ++e) {
    const Change& change = changes[e];
    const bool single = change.slots.size() == 1;
    const double u = change.weight * (single ? single_weight : 1.0) * change.sign;
    std::vector<int> count(slots, 0);
    for (int s : change.slots) ++count[s];
    const int present = static_cast<int>(slots - std::count(count.begin(), count.end(), 0));
    (single ? singles : events) += change.sign > 0 ? 1 : -1;
    size_t offset = 0;
    for (int s : change.slots) {
      const int d = dims[s];
      const float* x = &change.features[offset];
      offset += d;
      const float w = 1.0f / count[s];
      rows[s].insert(rows[s].end(), x, x + d);
      rows[s].push_back(1.0f);
      row_scale[s].push_back(static_cast<float>(u * w));
      if (owner[s].empty() || owner[s].back() != e) {
        owner[s].push_back(e);
        sums[s].resize(sums[s].size() + d + 1, 0.0f);
        sum_scale[s].push_back(static_cast<float>(u / present));
        mass[s] += u;
      }
      float* sum = &sums[s][sums[s].size() - d - 1];
      for (int i = 0; i < d; ++i) sum[i] += w * x[i];
      sum[d] += w;
    }
  }
  Remember(changes, owner, sums);
  std::vector<at::Tensor> sum_tensor(slots);
  for (size_t m = 0; m < slots; ++m) {
    if (rows[m].empty()) continue;
    const int64_t width = dims[m] + 1;
    if (!within[m].defined()) within[m] = at::zeros({width, width}, at::kFloat);
    const int64_t count = static_cast<int64_t>(row_scale[m].size());
    const at::Tensor x = at::from_blob(rows[m].data(), {count, width}, at::kFloat);
    const at::Tensor scale = at::from_blob(row_scale[m].data(), {count, 1}, at::kFloat);
    within[m].addmm_((x * scale).t(), x);
    sum_tensor[m] = at::from_blob(sums[m].data(), {static_cast<int64_t>(owner[m].size()), width}, at::kFloat);
  }
  for (size_t m = 0; m < slots; ++m) {
    for (size_t k = m; k < slots; ++k) {
      std::vector<int64_t> left, right;  // Rows of events that have both.
      std::vector<float> scale;
      for (size_t i = 0, j = 0; i < owner[m].size() && j < owner[k].size();) {
        if (owner[m][i] == owner[k][j]) {
          scale.push_back(sum_scale[m][i]);
          left.push_back(i++);
          right.push_back(j++);
        } else {
          owner[m][i] < owner[k][j] ? ++i : ++j;
        }
      }
      if (left.empty()) continue;
      const int64_t count = static_cast<int64_t>(left.size());
      const at::Tensor a = sum_tensor[m].index_select(0, at::from_blob(left.data(), {count}, at::kLong));
      const at::Tensor b = sum_tensor[k].index_select(0, at::from_blob(right.data(), {count}, at::kLong));
      if (!between[m][k].defined()) between[m][k] = at::zeros({dims[m] + 1, dims[k] + 1}, at::kFloat);
      between[m][k].addmm_((a * at::from_blob(scale.data(), {count, 1}, at::kFloat)).t(), b);
    }
  }
}

// Solves B a = rho (C + lambda I) a for the leading columns, in coordinates that make C + lambda I the identity.
class Solver {
 public:
  Solver(const Moments& moments, const AssociativeHeadOptions& options, double ridge)
      : moments_(moments), options_(options), ridge_(ridge) {
    for (size_t m = 0; m < moments.dims.size(); ++m) {
      if (!moments.Active(m)) continue;
      active_.push_back(m);
      begin_.push_back(total_);
      total_ += moments.dims[m] + 1;
    }
  }

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
  at::Tensor Unwhiten(const at::Tensor& stacked, size_t i) const {
    return at::linalg_solve_triangular(factors_[i].t(), Block(stacked, i), /*upper=*/true);
  }
  at::Tensor Apply(const at::Tensor& q) const;
  at::Tensor RecentDirections() const;

  const Moments& moments_;
  const AssociativeHeadOptions& options_;
  const double ridge_;
  std::vector<size_t> active_;
  std::vector<int64_t> begin_;
  int64_t total_ = 0;
  std::vector<at::Tensor> factors_;
  at::Tensor rho_, solution_;
  std::vector<at::Tensor> directions_;
  double change_ = 1.0;
};

absl::Status Solver::Factor() {
  for (size_t m : active_) {
    const at::Tensor& c = moments_.within[m];
    const double mean = c.diagonal().sum().item<double>() / (moments_.dims[m] + 1);
    at::Tensor factor;
    // What rounding takes from a positive matrix a larger ridge gives back.
    for (double ridge = ridge_; ridge <= 1e4 * ridge_; ridge *= 10.0) {
      at::Tensor regular = c.clone();
      regular.diagonal().add_(std::max(1e-12, ridge * mean));
      auto [l, info] = at::linalg_cholesky_ex(regular);
      if (info.item<int>() == 0) {
        factor = l;
        break;
      }
    }
    if (!factor.defined()) {
      return absl::InternalError(absl::StrCat("head.solve: moments of modality ", m,
                                              " are not positive; rebuild the head from the stored features"));
    }
    factors_.push_back(factor);
  }
  return absl::OkStatus();
}

at::Tensor Solver::Apply(const at::Tensor& q) const {
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
at::Tensor Solver::RecentDirections() const {
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

void Solver::Iterate(const std::vector<at::Tensor>& start, int iterations) {
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
      block = FromFloats(RandomProjection(width, static_cast<int>(columns), options_.seed + 100 + active_[i]),
                         {width, columns});
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

class MomentHead final : public AssociativeHead {
 public:
  explicit MomentHead(const AssociativeHeadOptions& options)
      : options_(options), moments_(options.feature_dims),
        start_(options.feature_dims.size()), projections_(options.feature_dims.size()) {}

  absl::Status Add(absl::Span<const EventPart> parts, double weight) override { return Queue(parts, weight, 1.0f); }
  absl::Status Remove(absl::Span<const EventPart> parts, double weight) override { return Queue(parts, weight, -1.0f); }

  int64_t queued() const override {
    AnnotatedLock lock(&queue_mutex_);
    return static_cast<int64_t>(queue_.size());
  }

  absl::Status Fold() override {
    AnnotatedLock lock(&state_mutex_);
    return FoldLocked();
  }

  absl::StatusOr<SolvedHead> Solve(int iterations) override;

  absl::Status SetRidge(double ridge) override {
    if (!(ridge > 0.0) || !std::isfinite(ridge)) {
      return absl::InvalidArgumentError(absl::StrCat("head.ridge: got ", ridge, ", wanted a finite number over 0"));
    }
    AnnotatedLock lock(&state_mutex_);
    ridge_ = ridge;
    return absl::OkStatus();
  }

  void ForgetSolution() override {
    AnnotatedLock lock(&state_mutex_);
    std::fill(start_.begin(), start_.end(), at::Tensor());
  }

  absl::StatusOr<std::string> Save() override;
  absl::Status Load(absl::string_view bytes) override;

 private:
  absl::Status Queue(absl::Span<const EventPart> parts, double weight, float sign);
  absl::Status FoldLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_mutex_);
  std::vector<std::vector<float>> MakeMaps(const Solver& solver) ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_mutex_);

  const AssociativeHeadOptions options_;
  mutable AnnotatedMutex queue_mutex_;
  std::vector<Change> queue_ ABSL_GUARDED_BY(queue_mutex_);
  absl::flat_hash_map<uint64_t, size_t> queued_by_key_ ABSL_GUARDED_BY(queue_mutex_);
  int64_t queued_rows_ ABSL_GUARDED_BY(queue_mutex_) = 0;

  AnnotatedMutex state_mutex_ ABSL_ACQUIRED_BEFORE(queue_mutex_);
  Moments moments_ ABSL_GUARDED_BY(state_mutex_);
  double ridge_ ABSL_GUARDED_BY(state_mutex_) = options_.ridge;
  std::vector<at::Tensor> start_ ABSL_GUARDED_BY(state_mutex_);  // The last solution, where the next begins.
  std::vector<at::Tensor> projections_ ABSL_GUARDED_BY(state_mutex_);  // Random, [dims, dim]; made when first needed.
};

absl::Status MomentHead::Queue(absl::Span<const EventPart> parts, double weight, float sign) {
  if (parts.empty()) return absl::InvalidArgumentError("head.event: got no parts, wanted at least 1");
  if (!(weight > 0.0) || !(weight <= 1e6)) {
    return absl::InvalidArgumentError(absl::StrCat("head.event: got weight ", weight, ", wanted over 0 to 1e6"));
  }
  Change change;
  change.sign = sign;
  change.weight = static_cast<float>(weight);
  for (const EventPart& part : parts) {
    if (part.slot < 0 || part.slot >= static_cast<int>(options_.feature_dims.size())) {
      return absl::InvalidArgumentError(
          absl::StrCat("head.event: got slot ", part.slot, ", this head has ", options_.feature_dims.size()));
    }
    if (part.features.size() != static_cast<size_t>(options_.feature_dims[part.slot])) {
      return absl::InvalidArgumentError(absl::StrCat("head.event: got ", part.features.size(), " features for slot ",
                                                     part.slot, ", wanted ", options_.feature_dims[part.slot]));
    }
    for (float v : part.features) {
      if (!std::isfinite(v)) return absl::InvalidArgumentError("head.event: a feature is not a finite number");
    }
    change.slots.push_back(part.slot);
    change.features.insert(change.features.end(), part.features.begin(), part.features.end());
  }
  change.key = StateSum({reinterpret_cast<const char*>(change.features.data()), change.features.size() * 4}) ^
               StateSum({reinterpret_cast<const char*>(change.slots.data()), change.slots.size() * 4}) ^
               static_cast<uint64_t>(weight * 4096.0);
  bool full = false;
  {
    AnnotatedLock lock(&queue_mutex_);
    const auto found = queued_by_key_.find(change.key);
    if (found != queued_by_key_.end() && queue_[found->second].sign == -sign &&
        queue_[found->second].weight == change.weight && queue_[found->second].slots == change.slots &&
        queue_[found->second].features == change.features) {
      // The opposite is still waiting: neither need be done.
      const size_t at = found->second;
      queued_rows_ -= static_cast<int64_t>(change.slots.size());
      queued_by_key_.erase(found);
      if (at + 1 != queue_.size()) {
        queue_[at] = std::move(queue_.back());
        const auto moved = queued_by_key_.find(queue_[at].key);
        if (moved != queued_by_key_.end() && moved->second + 1 == queue_.size()) moved->second = at;
      }
      queue_.pop_back();
      return absl::OkStatus();
    }
    queued_rows_ += static_cast<int64_t>(change.slots.size());
    queued_by_key_[change.key] = queue_.size();
    queue_.push_back(std::move(change));
    full = queued_rows_ > kQueueRows;
  }
  // A Solve under way folded when it began; what waits now is for the next.
  if (!full || !state_mutex_.TryLock()) return absl::OkStatus();
  const absl::Status folded = FoldLocked();
  state_mutex_.Unlock();
  return folded;
}

absl::Status MomentHead::FoldLocked() {
  std::vector<Change> changes;
  {
    AnnotatedLock lock(&queue_mutex_);
    changes.swap(queue_);
    queued_by_key_.clear();
    queued_rows_ = 0;
  }
  try {
    c10::InferenceMode guard;
    const absl::Span<const Change> all(changes);
    for (size_t i = 0; i < all.size(); i += kChunkEvents) {
      moments_.Fold(all.subspan(i, kChunkEvents), options_.single_weight);
    }
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("head.fold: ", error.what()));
  }
  return absl::OkStatus();
}

// The solved directions scaled by agreement, and the random remainder on top (see the header).
std::vector<std::vector<float>> MomentHead::MakeMaps(const Solver& solver) {
  const int dim = options_.dim;
  const size_t slots = options_.feature_dims.size();
  const int64_t kept = solver.total() > 0 ? std::min<int64_t>(dim, solver.rho().size(0)) : 0;
  double strongest = 0.0, filled = 0.0;
  at::Tensor scale;
  if (kept > 0) {
    scale = solver.rho().narrow(0, 0, kept).to(at::kFloat);
    filled = scale.square().sum().item<double>();
    for (size_t i = 0; i < solver.active().size(); ++i) {
      const double energy = (solver.Whitened(i).narrow(1, 0, kept) * scale).square().sum().item<double>();
      strongest = std::max(strongest, energy / moments_.mass[solver.active()[i]]);
    }
  }
  // Mean squared length of the random remainder: a trace of what is learned, more while few columns are.
  const double random_energy =
      strongest > 0.0 ? strongest * (0.02 + 0.5 * std::max(0.0, 1.0 - filled / (0.25 * dim))) : 1.0;
  std::vector<at::Tensor> learned(slots), remainder(slots);  // [dims + 1, dim]
  at::Tensor alignment = at::zeros({dim, dim}, at::kFloat);
  for (size_t m = 0; m < slots; ++m) {
    const int d = options_.feature_dims[m];
    if (!projections_[m].defined()) {
      projections_[m] = FromFloats(RandomProjection(d, dim, options_.seed + m), {d, dim});
    }
    remainder[m] = at::zeros({d + 1, dim}, at::kFloat);
    remainder[m].narrow(0, 0, d).copy_(projections_[m]);
    if (!moments_.Active(m)) continue;
    const at::Tensor& c = moments_.within[m];
    const double size = c.diagonal().narrow(0, 0, d).sum().item<double>() / moments_.mass[m];
    const at::Tensor mean = c.narrow(0, 0, d).select(1, d) / moments_.mass[m];
    const double variance = size - mean.square().sum().item<double>();
    if (variance > 1e-4 * size) {
      remainder[m].select(0, d).copy_(-at::mv(remainder[m].narrow(0, 0, d).t(), mean));
      remainder[m].mul_(static_cast<float>(std::sqrt(random_energy / variance)));
    } else {  // One part, or the same again, has no variance; its own size stands in.
      remainder[m].mul_(static_cast<float>(std::sqrt(random_energy / std::max(size, 1e-12))));
    }
    const size_t i = std::find(solver.active().begin(), solver.active().end(), m) - solver.active().begin();
    learned[m] = at::zeros({d + 1, dim}, at::kFloat);
    learned[m].narrow(1, 0, kept).copy_(solver.Directions(i).narrow(1, 0, kept) * scale);
    alignment.addmm_(learned[m].t(), at::mm(c, remainder[m]), 1.0, 1.0 / moments_.mass[m]);
  }
  // The solution is free up to a rotation. The one that lies nearest to the random projections (orthogonal Procrustes
  // problem, Schoenemann 1966) makes the maps a function of the moments alone, and successive ones alike.
  auto [left, singular, right] = at::linalg_svd(alignment, /*full_matrices=*/false);
  const at::Tensor rotation = at::mm(left, right);
  std::vector<std::vector<float>> maps(slots);
  for (size_t m = 0; m < slots; ++m) {
    maps[m] = ToFloats(learned[m].defined() ? at::addmm(remainder[m], learned[m], rotation) : remainder[m]);
  }
  return maps;
}

absl::StatusOr<SolvedHead> MomentHead::Solve(int iterations) {
  AnnotatedLock lock(&state_mutex_);
  SolvedHead solved;
  auto begin = std::chrono::steady_clock::now();
  if (absl::Status status = FoldLocked(); !status.ok()) return status;
  solved.report.seconds_folding = SecondsSince(begin);
  solved.report.events = moments_.events;
  solved.report.singles = moments_.singles;
  begin = std::chrono::steady_clock::now();
  std::vector<std::vector<float>> maps;
  try {
    c10::InferenceMode guard;
    Solver solver(moments_, options_, ridge_);
    if (solver.total() > 0 && moments_.events > 0) {
      if (absl::Status status = solver.Factor(); !status.ok()) return status;
      solver.Iterate(start_, iterations);
      for (size_t i = 0; i < solver.active().size(); ++i) start_[solver.active()[i]] = solver.Directions(i);
      solved.report.agreement =
          solver.rho().narrow(0, 0, std::min<int64_t>(options_.dim, solver.rho().size(0))).sum().item<double>() /
          options_.dim;
      solved.report.change = solver.change();
      moments_.recent.clear();
      moments_.fresh = 0;
      maps = MakeMaps(solver);
    }
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("head.solve: ", error.what()));
  }
  if (maps.empty()) {  // No two things have occurred together yet.
    absl::StatusOr<std::shared_ptr<const HeadMaps>> random =
        HeadMaps::Random(options_.feature_dims, options_.dim, options_.seed);
    if (!random.ok()) return random.status();
    solved.maps = *std::move(random);
  } else {
    absl::StatusOr<std::shared_ptr<const HeadMaps>> made =
        HeadMaps::Create(options_.feature_dims, options_.dim, std::move(maps));
    if (!made.ok()) return made.status();
    solved.maps = *std::move(made);
  }
  solved.report.seconds_solving = SecondsSince(begin);
  return solved;
}

absl::StatusOr<std::string> MomentHead::Save() {
  AnnotatedLock lock(&state_mutex_);
  if (absl::Status status = FoldLocked(); !status.ok()) return status;
  ByteWriter writer;
  const auto write = [&writer](const at::Tensor& tensor) {
    writer.Floats(tensor.defined() ? ToFloats(tensor) : std::vector<float>());
  };
  try {
    c10::InferenceMode guard;
    writer.U32(kMagic);
    writer.U32(options_.dim);
    writer.U32(static_cast<uint32_t>(options_.feature_dims.size()));
    for (int d : options_.feature_dims) writer.U32(d);
    writer.U64(moments_.events);
    writer.U64(moments_.singles);
    for (size_t m = 0; m < moments_.dims.size(); ++m) {
      writer.F64(moments_.mass[m]);
      write(moments_.within[m]);
      write(start_[m]);
      for (size_t k = m; k < moments_.dims.size(); ++k) write(moments_.between[m][k]);
    }
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("head.save: ", error.what()));
  }
  return std::move(writer).Finish();
}

absl::Status MomentHead::Load(absl::string_view bytes) {
  const absl::Status damaged =
      absl::DataLossError("head.load: the bytes are cut or altered; rebuild the head from the stored features");
  ByteReader reader(bytes);
  if (!reader.CheckSum() || reader.U32() != kMagic) return damaged;
  const uint32_t dim = reader.U32(), slots = reader.U32();
  std::vector<int> dims;
  for (uint32_t s = 0; s < slots && s < kMostSlots; ++s) dims.push_back(static_cast<int>(reader.U32()));
  if (static_cast<int>(dim) != options_.dim || dims.size() != slots || slots > options_.feature_dims.size() ||
      !std::equal(dims.begin(), dims.end(), options_.feature_dims.begin())) {
    return absl::FailedPreconditionError(
        "head.load: the state is of other feature dimensions; rebuild the head from the stored features");
  }
  Moments moments(options_.feature_dims);  // Slots that the state lacks have seen nothing.
  std::vector<at::Tensor> start(options_.feature_dims.size());
  bool fits = true;
  const auto read = [&](int64_t rows, int64_t columns) {  // columns < 0: any
    const std::vector<float> values = reader.Floats();
    if (values.empty()) return at::Tensor();
    if (columns < 0) columns = static_cast<int64_t>(values.size()) / rows;
    if (static_cast<int64_t>(values.size()) != rows * columns) {
      fits = false;
      return at::Tensor();
    }
    return FromFloats(values, {rows, columns});
  };
  try {
    c10::InferenceMode guard;
    moments.events = static_cast<int64_t>(reader.U64());
    moments.singles = static_cast<int64_t>(reader.U64());
    for (size_t m = 0; m < dims.size(); ++m) {
      moments.mass[m] = reader.F64();
      moments.within[m] = read(dims[m] + 1, dims[m] + 1);
      start[m] = read(dims[m] + 1, -1);
      for (size_t k = m; k < dims.size(); ++k) moments.between[m][k] = read(dims[m] + 1, dims[k] + 1);
    }
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("head.load: ", error.what()));
  }
  if (!reader.ok() || !fits) return damaged;
  AnnotatedLock lock(&state_mutex_);
  {
    AnnotatedLock queue_lock(&queue_mutex_);
    queue_.clear();
    queued_by_key_.clear();
    queued_rows_ = 0;
  }
  moments_ = std::move(moments);
  start_ = std::move(start);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<AssociativeHead>> AssociativeHead::Create(const AssociativeHeadOptions& options) {
  if (options.feature_dims.empty() || options.feature_dims.size() > kMostSlots) {
    return absl::InvalidArgumentError(
        absl::StrCat("head.feature_dims: got ", options.feature_dims.size(), " modalities, wanted 1 to ", kMostSlots));
  }
  for (int d : options.feature_dims) {
    if (d < 1 || d > 8192) {
      return absl::InvalidArgumentError(absl::StrCat("head.feature_dims: got ", d, ", wanted 1 to 8192"));
    }
  }
  if (options.dim < 2 || options.dim > 4096 || !(options.ridge > 0.0) || !(options.single_weight >= 0.0) ||
      !(options.single_weight <= 1.0)) {
    return absl::InvalidArgumentError(absl::StrCat("head.options: got dim ", options.dim, ", ridge ", options.ridge,
                                                   ", single_weight ", options.single_weight,
                                                   "; wanted 2 to 4096, over 0, and 0 to 1"));
  }
  return std::unique_ptr<AssociativeHead>(new MomentHead(options));
}

}  // namespace mixmatch::model
