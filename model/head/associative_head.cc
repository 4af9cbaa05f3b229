#include "model/head/associative_head.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <exception>
#include <numeric>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "model/annotated_mutex.h"
#include "model/head/bytes.h"
#include "model/head/held_out_events.h"
#include "model/head/moment_solver.h"
#include "model/head/moments.h"
#include "model/head/random_projection.h"
#include "model/head/ridge_choice.h"

namespace mixmatch::model {
namespace {

constexpr uint32_t kMagic = 0x3248414d;  // "MAH2"
constexpr int kMostSlots = 16;
constexpr int kChunkEvents = 256;     // Events folded by one matrix product.
constexpr double kRidgeGrowth = 1.5;  // When there are so many times as many events, ridges are due again.
constexpr int64_t kQueueRows = 4096;  // Beyond this Add folds: about 25 MB of features.

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

class MomentHead final : public AssociativeHead {
 public:
  explicit MomentHead(const AssociativeHeadOptions& options)
      : options_(options), moments_(options.feature_dims), held_out_(options.feature_dims), ridges_(DefaultRidges(options)),
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

  absl::Status SetRidges(const HeadRidges& ridges, int64_t events) override;
  HeadRidges ridges() const override {
    AnnotatedLock lock(&state_mutex_);
    return ridges_;
  }
  absl::StatusOr<RidgeReport> ChooseRidges(const std::function<bool()>& cancelled) override;
  bool RidgesDue() const override {
    AnnotatedLock lock(&state_mutex_);
    const double events = static_cast<double>(moments_.events), then = static_cast<double>(ridge_events_);
    return events >= kLeastRidgeEvents && (events >= kRidgeGrowth * then || events * kRidgeGrowth <= then);
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
  // At the end of every modality's features, of one space in all.
  int SharedNumbers() const { return options_.last_block_shared ? options_.blocks[0].back() : 0; }
  std::vector<std::vector<float>> MakeMaps(const MomentSolver& solver) ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_mutex_);

  const AssociativeHeadOptions options_;
  mutable AnnotatedMutex queue_mutex_;
  std::vector<EventChange> queue_ ABSL_GUARDED_BY(queue_mutex_);
  absl::flat_hash_map<uint64_t, size_t> queued_by_key_ ABSL_GUARDED_BY(queue_mutex_);
  int64_t queued_rows_ ABSL_GUARDED_BY(queue_mutex_) = 0;

  mutable AnnotatedMutex state_mutex_ ABSL_ACQUIRED_BEFORE(queue_mutex_);
  Moments moments_ ABSL_GUARDED_BY(state_mutex_);
  HeldOutEvents held_out_ ABSL_GUARDED_BY(state_mutex_);
  HeadRidges ridges_ ABSL_GUARDED_BY(state_mutex_);
  int64_t ridge_events_ ABSL_GUARDED_BY(state_mutex_) = 0;  // That they were chosen from.
  std::vector<at::Tensor> start_ ABSL_GUARDED_BY(state_mutex_);  // The last solution, where the next begins.
  std::vector<at::Tensor> projections_ ABSL_GUARDED_BY(state_mutex_);  // Random, [dims, dim]; made when first needed.
  at::Tensor common_ ABSL_GUARDED_BY(state_mutex_);                    // The same for the shared block of all modalities.
};

absl::Status MomentHead::Queue(absl::Span<const EventPart> parts, double weight, float sign) {
  if (parts.empty()) return absl::InvalidArgumentError("head.event: got no parts, wanted at least 1");
  if (!(weight > 0.0) || !(weight <= 1e6)) {
    return absl::InvalidArgumentError(absl::StrCat("head.event: got weight ", weight, ", wanted over 0 to 1e6"));
  }
  EventChange change;
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
  std::vector<EventChange> changes;
  {
    AnnotatedLock lock(&queue_mutex_);
    changes.swap(queue_);
    queued_by_key_.clear();
    queued_rows_ = 0;
  }
  for (const EventChange& change : changes) held_out_.Note(change);
  try {
    c10::InferenceMode guard;
    const absl::Span<const EventChange> all(changes);
    for (size_t i = 0; i < all.size(); i += kChunkEvents) {
      moments_.Fold(all.subspan(i, kChunkEvents), options_.single_weight);
    }
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("head.fold: ", error.what()));
  }
  return absl::OkStatus();
}

absl::Status MomentHead::SetRidges(const HeadRidges& ridges, int64_t events) {
  bool fits = ridges.size() == options_.feature_dims.size();
  for (size_t m = 0; m < ridges.size() && fits; ++m) {
    fits = ridges[m].size() == BlocksOf(options_, m).size() &&
           std::all_of(ridges[m].begin(), ridges[m].end(), [](double r) { return r > 0.0 && std::isfinite(r); });
  }
  if (!fits) {
    return absl::InvalidArgumentError(
        absl::StrCat("head.ridge: got those of ", ridges.size(), " modalities, wanted a finite number over 0 for each block of ",
                     options_.feature_dims.size()));
  }
  AnnotatedLock lock(&state_mutex_);
  ridges_ = ridges;
  ridge_events_ = events;
  return absl::OkStatus();
}

absl::StatusOr<RidgeReport> MomentHead::ChooseRidges(const std::function<bool()>& cancelled) {
  AnnotatedLock lock(&state_mutex_);
  if (absl::Status status = FoldLocked(); !status.ok()) return status;
  try {
    c10::InferenceMode guard;
    absl::StatusOr<RidgeReport> report = model::ChooseRidges(moments_, held_out_.Sample(), options_,
                                                              cancelled ? cancelled : [] { return false; });
    if (report.ok()) {
      ridges_ = report->ridges;
      ridge_events_ = report->events;
    }
    return report;
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("head.ridge: ", error.what()));
  }
}

// The solved directions scaled by agreement, and the random remainder on top (see the header).
std::vector<std::vector<float>> MomentHead::MakeMaps(const MomentSolver& solver) {
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
  const double more = 0.5 * std::max(0.0, 1.0 - filled / (0.25 * dim));
  const double random_energy = strongest > 0.0 ? strongest * (0.02 + more) : 1.0;
  // How much of the shared block is projected alike for all modalities: what is learned here soon knows better.
  const double alike = strongest > 0.0 ? more / (0.02 + more) : 1.0;
  const int shared = SharedNumbers();
  if (shared > 0 && !common_.defined()) common_ = FromFloats(SharedProjection(shared, dim, options_.seed), {shared, dim});
  std::vector<at::Tensor> learned(slots), remainder(slots);  // [dims + 1, dim]
  at::Tensor alignment = at::zeros({dim, dim}, at::kFloat);
  for (size_t m = 0; m < slots; ++m) {
    const int d = options_.feature_dims[m];
    if (!projections_[m].defined()) {
      projections_[m] = FromFloats(RandomProjection(d, dim, options_.seed + m), {d, dim});
    }
    remainder[m] = at::zeros({d + 1, dim}, at::kFloat);
    remainder[m].narrow(0, 0, d).copy_(projections_[m]);
    if (shared > 0 && alike > 0.0) {
      remainder[m].narrow(0, d - shared, shared).mul_(std::sqrt(1.0 - alike)).add_(common_, std::sqrt(alike));
    }
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
    MomentSolver solver(moments_, options_, ridges_);
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
        HeadMaps::Random(options_.feature_dims, options_.dim, options_.seed, SharedNumbers());
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
    for (const std::vector<double>& blocks : ridges_) {
      writer.U32(static_cast<uint32_t>(blocks.size()));
      for (double ridge : blocks) writer.F64(ridge);
    }
    writer.U64(ridge_events_);
    held_out_.Write(writer);
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
  HeadRidges ridges = DefaultRidges(options_);
  for (size_t m = 0; m < dims.size(); ++m) {
    if (reader.U32() != ridges[m].size()) {
      return absl::FailedPreconditionError("head.load: the state is of other blocks; rebuild the head from the stored features");
    }
    for (double& ridge : ridges[m]) ridge = reader.F64();
  }
  const int64_t ridge_events = static_cast<int64_t>(reader.U64());
  HeldOutEvents held_out(options_.feature_dims);
  if (!held_out.Read(reader)) return damaged;
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
  held_out_ = std::move(held_out);
  ridges_ = std::move(ridges);
  ridge_events_ = ridge_events;
  start_ = std::move(start);
  return absl::OkStatus();
}

// INVALID_ARGUMENT unless the blocks are of the features' lengths.
absl::Status CheckBlocks(const AssociativeHeadOptions& options) {
  bool fits = options.blocks.empty() || options.blocks.size() == options.feature_dims.size();
  for (size_t s = 0; s < options.blocks.size() && fits; ++s) {
    const std::vector<int>& blocks = options.blocks[s];
    fits = std::accumulate(blocks.begin(), blocks.end(), int64_t{0}) == options.feature_dims[s] &&
           std::all_of(blocks.begin(), blocks.end(), [](int b) { return b > 0; });
  }
  if (fits && options.last_block_shared) {
    fits = !options.blocks.empty() && std::all_of(options.blocks.begin(), options.blocks.end(), [&](const auto& blocks) {
      return blocks.back() == options.blocks[0].back();
    });
  }
  if (fits) return absl::OkStatus();
  return absl::InvalidArgumentError("head.blocks: got blocks that do not make up feature_dims, or shared ones of several lengths");
}

}  // namespace

absl::Status AssociativeHead::SetRidge(double ridge) {
  HeadRidges all = ridges();
  for (std::vector<double>& blocks : all) std::fill(blocks.begin(), blocks.end(), ridge);
  return SetRidges(all);
}

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
      !(options.single_weight <= 1.0) || !(options.least_returning >= 0.0) || !(options.least_returning <= 1.0)) {
    return absl::InvalidArgumentError(absl::StrCat("head.options: got dim ", options.dim, ", ridge ", options.ridge,
                                                   ", single_weight ", options.single_weight, ", least_returning ", options.least_returning,
                                                   "; wanted 2 to 4096, over 0, 0 to 1 and 0 to 1"));
  }
  if (absl::Status status = CheckBlocks(options); !status.ok()) return status;
  return std::unique_ptr<AssociativeHead>(new MomentHead(options));
}

}  // namespace mixmatch::model
