#include "model/head/head_maps.h"

#include <ATen/Parallel.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/mm.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <cmath>
#include <exception>

#include "absl/strings/str_cat.h"
#include "model/cpu.h"
#include "model/head/bytes.h"
#include "model/head/random_projection.h"
#include "model/target_clones.h"

namespace mixmatch::model {
namespace {

constexpr int64_t kFewRows = 64;
constexpr uint32_t kMagic = 0x314d484d;  // "MHM1"

// out = [features 1] * weights for one row.
MIXMATCH_CLONES
void MapRow(const float* weights, const float* features, int feature_dim, int dim, float* out) {
  const float* bias = weights + static_cast<int64_t>(feature_dim) * dim;
  for (int j = 0; j < dim; ++j) out[j] = bias[j];
  int i = 0;
  for (; i + 4 <= feature_dim; i += 4) {
    const float a = features[i], b = features[i + 1], c = features[i + 2], d = features[i + 3];
    const float* row = weights + static_cast<int64_t>(i) * dim;
    for (int j = 0; j < dim; ++j) {
      out[j] += a * row[j] + b * row[dim + j] + c * row[2 * dim + j] + d * row[3 * dim + j];
    }
  }
  for (; i < feature_dim; ++i) {
    const float* row = weights + static_cast<int64_t>(i) * dim;
    for (int j = 0; j < dim; ++j) out[j] += features[i] * row[j];
  }
}

bool AllFinite(absl::Span<const float> values) {
  for (float v : values) {
    if (!std::isfinite(v)) return false;
  }
  return true;
}

void Normalize(float* row, int dim) {
  double energy = 0.0;
  for (int j = 0; j < dim; ++j) energy += static_cast<double>(row[j]) * row[j];
  if (!(energy > 1e-30)) {  // Nothing is known of it: one fixed direction.
    for (int j = 0; j < dim; ++j) row[j] = j == 0 ? 1.0f : 0.0f;
    return;
  }
  const float scale = static_cast<float>(1.0 / std::sqrt(energy));
  for (int j = 0; j < dim; ++j) row[j] *= scale;
}

// A map without offset.
std::vector<float> RandomWeights(int from, int shared, int dim, uint64_t seed, int slot) {
  std::vector<float> weights = RandomProjection(from - shared, dim, seed + slot);
  const std::vector<float> common = SharedProjection(shared, dim, seed);
  weights.insert(weights.end(), common.begin(), common.end());
  weights.resize(weights.size() + dim, 0.0f);
  return weights;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const HeadMaps>> HeadMaps::Create(std::vector<int> feature_dims, int dim,
                                                                 std::vector<std::vector<float>> weights) {
  if (feature_dims.empty() || weights.size() != feature_dims.size() || dim < 1) {
    return absl::InvalidArgumentError(absl::StrCat("head.maps: got ", weights.size(), " maps of dim ", dim, " for ",
                                                   feature_dims.size(), " modalities; give one map each"));
  }
  for (size_t s = 0; s < weights.size(); ++s) {
    const size_t wanted = (static_cast<size_t>(feature_dims[s]) + 1) * dim;
    if (feature_dims[s] < 1 || weights[s].size() != wanted || !AllFinite(weights[s])) {
      return absl::InvalidArgumentError(absl::StrCat("head.maps[", s, "]: got ", weights[s].size(),
                                                     " values, wanted ", wanted, " finite ones"));
    }
  }
  return std::shared_ptr<const HeadMaps>(new HeadMaps(std::move(feature_dims), dim, std::move(weights)));
}

absl::StatusOr<std::shared_ptr<const HeadMaps>> HeadMaps::Random(std::vector<int> feature_dims, int dim,
                                                                 uint64_t seed, int shared) {
  std::vector<std::vector<float>> weights;
  for (size_t s = 0; s < feature_dims.size(); ++s) {
    if (feature_dims[s] < 1 || dim < 1 || shared < 0 || shared > feature_dims[s]) {
      return absl::InvalidArgumentError("head.maps: dimensions must be at least 1, and no more shared than there are");
    }
    weights.push_back(RandomWeights(feature_dims[s], shared, dim, seed, static_cast<int>(s)));
  }
  return Create(std::move(feature_dims), dim, std::move(weights));
}

absl::StatusOr<std::shared_ptr<const HeadMaps>> HeadMaps::WithSlots(const std::vector<int>& feature_dims,
                                                                    uint64_t seed, int shared) const {
  if (feature_dims.size() < feature_dims_.size() ||
      !std::equal(feature_dims_.begin(), feature_dims_.end(), feature_dims.begin())) {
    return absl::InvalidArgumentError(absl::StrCat("head.maps: got ", feature_dims.size(), " slots that do not begin with ",
                                                   "the ", feature_dims_.size(), " of this head; solve the head again"));
  }
  std::vector<std::vector<float>> weights = weights_;
  for (size_t s = weights.size(); s < feature_dims.size(); ++s) {
    if (feature_dims[s] < 1 || shared < 0 || shared > feature_dims[s]) {
      return absl::InvalidArgumentError("head.maps: dimensions must be at least 1, and no more shared than there are");
    }
    weights.push_back(RandomWeights(feature_dims[s], shared, dim_, seed, static_cast<int>(s)));
  }
  return Create(feature_dims, dim_, std::move(weights));
}

absl::StatusOr<std::shared_ptr<const HeadMaps>> HeadMaps::WithRandom(const std::vector<int>& slots, uint64_t seed,
                                                                     int shared) const {
  std::vector<std::vector<float>> weights = weights_;
  for (int slot : slots) {
    if (slot < 0 || slot >= this->slots() || shared < 0 || shared > feature_dims_[slot]) {
      return absl::InvalidArgumentError(absl::StrCat("head.maps: got slot ", slot, " and ", shared, " shared numbers, this head has ",
                                                     this->slots(), " slots"));
    }
    weights[slot] = RandomWeights(feature_dims_[slot], shared, dim_, seed, slot);
  }
  return Create(feature_dims_, dim_, std::move(weights));
}

absl::StatusOr<std::shared_ptr<const HeadMaps>> HeadMaps::Parse(absl::string_view bytes) {
  ByteReader reader(bytes);
  if (!reader.CheckSum() || reader.U32() != kMagic) {
    return absl::DataLossError("head.maps: the bytes are cut or altered; restore them or solve the head again");
  }
  const int dim = static_cast<int>(reader.U32());
  const uint32_t slots = reader.U32();
  std::vector<int> dims;
  std::vector<std::vector<float>> weights;
  for (uint32_t s = 0; s < slots && reader.ok(); ++s) {
    dims.push_back(static_cast<int>(reader.U32()));
    weights.push_back(reader.Floats());
  }
  if (!reader.ok()) return absl::DataLossError("head.maps: the bytes end too early; solve the head again");
  return Create(std::move(dims), dim, std::move(weights));
}

std::string HeadMaps::Serialize() const {
  ByteWriter writer;
  writer.U32(kMagic);
  writer.U32(dim_);
  writer.U32(static_cast<uint32_t>(feature_dims_.size()));
  for (size_t s = 0; s < feature_dims_.size(); ++s) {
    writer.U32(feature_dims_[s]);
    writer.Floats(weights_[s]);
  }
  return std::move(writer).Finish();
}

absl::Status HeadMaps::Map(int slot, absl::Span<const float> features, int64_t rows, absl::Span<float> out) const {
  if (slot < 0 || slot >= slots()) {
    return absl::InvalidArgumentError(absl::StrCat("head.map: got slot ", slot, ", this head has ", slots()));
  }
  const int from = feature_dims_[slot];
  if (rows < 0 || features.size() != static_cast<size_t>(rows) * from ||
      out.size() != static_cast<size_t>(rows) * dim_) {
    return absl::InvalidArgumentError(absl::StrCat("head.map: got ", features.size(), " values for ", rows,
                                                   " rows and ", out.size(), " of output, wanted ", from, " and ",
                                                   dim_, " a row"));
  }
  if (!AllFinite(features)) {
    return absl::InvalidArgumentError("head.map: a feature is not a finite number; describe the content again");
  }
  if (rows < kFewRows) {
    for (int64_t i = 0; i < rows; ++i) MapRow(weights_[slot].data(), &features[i * from], from, dim_, &out[i * dim_]);
  } else {
    try {
      c10::InferenceMode guard;
      const at::Tensor x = at::from_blob(const_cast<float*>(features.data()), {rows, from}, at::kFloat);
      const at::Tensor w = at::from_blob(const_cast<float*>(weights_[slot].data()), {from, dim_}, at::kFloat);
      at::Tensor y = at::from_blob(out.data(), {rows, dim_}, at::kFloat);
      if (CpuHasBf16()) {  // Three times as fast; the sums themselves are in float32.
        y.copy_(at::mm(x.to(at::kBFloat16), w.to(at::kBFloat16)));
      } else {
        at::mm_out(y, x, w);
      }
    } catch (const std::exception& error) {
      return absl::InternalError(absl::StrCat("head.map: ", error.what()));
    }
    const float* bias = &weights_[slot][static_cast<size_t>(from) * dim_];
    for (int64_t i = 0; i < rows; ++i) {
      for (int j = 0; j < dim_; ++j) out[i * dim_ + j] += bias[j];
    }
  }
  for (int64_t i = 0; i < rows; ++i) Normalize(&out[i * dim_], dim_);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<float>> HeadMaps::Map(int slot, absl::Span<const float> features) const {
  std::vector<float> out(dim_);
  if (absl::Status status = Map(slot, features, 1, absl::MakeSpan(out)); !status.ok()) return status;
  return out;
}

}  // namespace mixmatch::model
