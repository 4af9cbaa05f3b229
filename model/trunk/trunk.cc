#include "model/trunk/trunk.h"

#include <ATen/core/Tensor.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "model/cpu.h"
#include "model/trunk/trunk_net.h"

namespace mixmatch::model {
namespace {

constexpr size_t kBatch = 8;  // The activations of 8 full parts stay in the cache: faster than 64.

TrunkNet ForServing(TrunkNet net) {
  if (CpuHasBf16()) net.HoldForServing();
  return net;
}

class NetTrunk : public Trunk {
 public:
  explicit NetTrunk(TrunkNet net) : net_(ForServing(std::move(net))) {}
  const TrunkConfig& config() const override { return net_.config; }
  std::string ToBytes() const override { return net_.ToBytes(); }
  absl::StatusOr<std::vector<float>> Encode(absl::Span<const TokenView> parts) const override;

 private:
  void EncodeBatch(absl::Span<const TokenView> parts, absl::Span<const int> which, float* out) const;
  const TrunkNet net_;
};

void NetTrunk::EncodeBatch(absl::Span<const TokenView> parts, absl::Span<const int> which, float* out) const {
  std::vector<TokenView> batch;
  for (const int i : which) batch.push_back(parts[i]);
  const at::Tensor rows = net_.Forward(net_.Gather(batch)).contiguous();
  const size_t dim = net_.config.output_dim;
  for (size_t r = 0; r < which.size(); ++r) {
    std::memcpy(out + which[r] * dim, rows.data_ptr<float>() + r * dim, dim * sizeof(float));
  }
}

absl::StatusOr<std::vector<float>> NetTrunk::Encode(absl::Span<const TokenView> parts) const {
  for (size_t i = 0; i < parts.size(); ++i) {
    if (absl::Status s = net_.Check(parts[i], absl::StrCat("Trunk::Encode part ", i)); !s.ok()) return s;
  }
  std::vector<int> order(parts.size());  // By length, so that little is padded.
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int a, int b) { return parts[a].tokens.size() < parts[b].tokens.size(); });
  std::vector<float> out(parts.size() * net_.config.output_dim);
  try {
    const c10::InferenceMode inference;
    for (size_t begin = 0; begin < order.size(); begin += kBatch) {
      EncodeBatch(parts, absl::MakeConstSpan(order).subspan(begin, kBatch), out.data());
    }
  } catch (const std::exception& e) {
    return absl::InternalError(absl::StrCat("Trunk::Encode: ", e.what()));
  }
  return out;
}

absl::StatusOr<std::shared_ptr<const Trunk>> Wrap(absl::StatusOr<TrunkNet> net) {
  if (!net.ok()) return net.status();
  return std::make_shared<const NetTrunk>(*std::move(net));
}

// A copy of the trunk's weights, changed.
template <typename Change>
absl::StatusOr<std::shared_ptr<const Trunk>> Changed(const Trunk& trunk, Change change) {
  try {
    absl::StatusOr<TrunkNet> net = TrunkNet::FromBytes(trunk.ToBytes());
    if (!net.ok()) return net.status();
    if (absl::Status status = change(*net); !status.ok()) return status;
    return std::make_shared<const NetTrunk>(*std::move(net));
  } catch (const std::exception& e) {
    return absl::InternalError(absl::StrCat("Trunk: changing stems: ", e.what()));
  }
}

}  // namespace

TrunkConfig TrunkConfig::Tiny() {
  TrunkConfig config;
  config.width = 32;
  config.layers = 2;
  config.heads = 2;
  config.output_dim = 32;
  return config;
}

TrunkConfig TrunkConfig::Small() {
  TrunkConfig config;
  config.stems = {StemKind::kWords,  StemKind::kMosaic, StemKind::kSound, StemKind::kFrames,
                  StemKind::kWords,   // Tables,
                  StemKind::kBag,     // series,
                  StemKind::kWords};  // scores.
  config.slots = static_cast<int>(config.stems.size());
  config.layers = 2;
  config.output_dim = 192;
  return config;
}

TrunkConfig TrunkConfig::Base() {
  TrunkConfig config = Small();
  config.width = 256;
  config.layers = 6;
  return config;
}

absl::StatusOr<TrunkConfig> TrunkConfig::Named(absl::string_view name) {
  if (name == "tiny") return Tiny();
  if (name == "small") return Small();
  if (name == "base") return Base();
  return absl::InvalidArgumentError(absl::StrCat("trunk: got the size \"", name, "\", wanted tiny, small or base"));
}

TrunkConfig TrunkConfig::WithSlots(int wanted) const {
  TrunkConfig config = *this;
  const TrunkConfig small = Small();
  for (; config.slots < wanted; ++config.slots) {
    if (stems.empty()) continue;
    config.stems.push_back(config.slots < small.slots ? small.stem(config.slots) : StemKind::kBag);
  }
  return config;
}

absl::StatusOr<std::shared_ptr<const Trunk>> Trunk::WithSlots(std::shared_ptr<const Trunk> trunk, int slots) {
  if (trunk->config().slots >= slots) return trunk;
  return Changed(*trunk, [&](TrunkNet& net) { return net.AddSlots(slots); });
}

absl::StatusOr<std::shared_ptr<const Trunk>> Trunk::WithStems(std::shared_ptr<const Trunk> trunk,
                                                              const std::vector<StemKind>& stems) {
  return Changed(*trunk, [&](TrunkNet& net) {
    if (absl::Status added = net.AddSlots(static_cast<int>(stems.size())); !added.ok()) return added;
    return net.SetStems(stems);
  });
}

absl::StatusOr<std::shared_ptr<const Trunk>> Trunk::Create(const TrunkConfig& config) {
  try {
    return Wrap(TrunkNet::Create(config));
  } catch (const std::exception& e) {
    return absl::InternalError(absl::StrCat("Trunk::Create: ", e.what()));
  }
}

absl::StatusOr<std::shared_ptr<const Trunk>> Trunk::FromBytes(absl::string_view bytes) {
  try {
    return Wrap(TrunkNet::FromBytes(bytes));
  } catch (const std::exception& e) {
    return absl::InternalError(absl::StrCat("Trunk::FromBytes: ", e.what()));
  }
}

}  // namespace mixmatch::model
