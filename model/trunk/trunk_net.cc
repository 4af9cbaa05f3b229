#include "model/trunk/trunk_net.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "model/head/bytes.h"

namespace mixmatch::model {
namespace {

constexpr uint32_t kMagic = 0x4b54584d;  // "MXTK".
constexpr uint32_t kVersion = 1;
constexpr int kSlotArrays = 5;    // Weight, bias, norm gain, norm bias, modality embedding.
constexpr int kLayerArrays = 12;  // Two norms, attention in and out, feed-forward in and out.
constexpr double kEmbeddingDeviation = 0.1;

// Standard normal numbers, the same on every standard library (std::normal_distribution is not).
class Normal {
 public:
  explicit Normal(uint64_t seed) : engine_(seed) {}
  double Next() {
    const double u = Uniform(), v = Uniform();
    return std::sqrt(-2 * std::log(1 - u)) * std::cos(6.283185307179586 * v);
  }

 private:
  double Uniform() { return (engine_() >> 11) * 0x1.0p-53; }
  std::mt19937_64 engine_;
};

absl::Status CheckConfig(const TrunkConfig& c) {
  const auto in = [](int v, int low, int high) { return v >= low && v <= high; };
  if (in(c.slots, 1, 64) && in(c.width, 8, 1024) && in(c.layers, 1, 24) && in(c.heads, 1, 64) &&
      in(c.output_dim, 2, 4096) && c.width % c.heads == 0) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "trunk configuration: got slots ", c.slots, ", width ", c.width, ", layers ", c.layers, ", heads ", c.heads,
      ", output_dim ", c.output_dim,
      "; wanted slots 1-64, width 8-1024 in whole heads, layers 1-24, heads 1-64, output_dim 2-4096; correct it"));
}

void AddNorm(std::vector<ParameterSpec>* specs, const std::string& name, int64_t width) {
  specs->push_back({name + ".gain", {width}, 1, 0});
  specs->push_back({name + ".bias", {width}, 0, 0});
}

void AddLinear(std::vector<ParameterSpec>* specs, const std::string& name, int64_t out, int64_t in, double scale) {
  specs->push_back({name + ".weight", {out, in}, 0, scale / std::sqrt(static_cast<double>(in))});
  specs->push_back({name + ".bias", {out}, 0, 0});
}

int64_t Size(const ParameterSpec& spec) {
  return std::accumulate(spec.shape.begin(), spec.shape.end(), int64_t{1}, std::multiplies<int64_t>());
}

at::Tensor Norm(const at::Tensor& x, const at::Tensor* p) { return at::layer_norm(x, {x.size(-1)}, p[0], p[1]); }

// [b, l, width] -> the same. `mask` is [b, 1, 1, l], added to the logits; undefined when no part is padded.
at::Tensor Attention(const at::Tensor& x, const at::Tensor* p, int64_t heads, const at::Tensor& mask) {
  const int64_t b = x.size(0), l = x.size(1), width = x.size(2), depth = width / heads;
  const at::Tensor qkv = at::linear(x, p[0], p[1]).view({b, l, 3, heads, depth}).permute({2, 0, 3, 1, 4});
  const at::Tensor q = qkv.select(0, 0) * (1 / std::sqrt(static_cast<double>(depth)));
  at::Tensor logits = at::matmul(q, qkv.select(0, 1).transpose(-2, -1));
  if (mask.defined()) logits = logits + mask;
  const at::Tensor mixed = at::matmul(at::softmax(logits, -1), qkv.select(0, 2));
  return at::linear(mixed.transpose(1, 2).reshape({b, l, width}), p[2], p[3]);
}

at::Tensor FeedForward(const at::Tensor& x, const at::Tensor* p) {
  return at::linear(at::gelu(at::linear(x, p[0], p[1])), p[2], p[3]);
}

// [n, length, 256] in [-1, 1]; what is padded is 0.
at::Tensor TokenTensor(absl::Span<const TokenView> parts, absl::Span<const int> which, int64_t length) {
  at::Tensor out = at::zeros({static_cast<int64_t>(which.size()), length, kTokenBytes}, at::kFloat);
  float* row = out.data_ptr<float>();
  for (const int i : which) {
    const absl::Span<const uint8_t> tokens = parts[i].tokens;
    for (size_t k = 0; k < tokens.size(); ++k) row[k] = tokens[k] * (1 / 127.5f) - 1;
    row += length * kTokenBytes;
  }
  return out;
}

}  // namespace

std::vector<ParameterSpec> ParameterSpecs(const TrunkConfig& c) {
  std::vector<ParameterSpec> specs;
  for (int s = 0; s < c.slots; ++s) {
    const std::string name = absl::StrCat("stem", s);
    AddLinear(&specs, name, c.width, kTokenBytes, 1);
    AddNorm(&specs, name + ".norm", c.width);
    specs.push_back({name + ".modality", {c.width}, 0, kEmbeddingDeviation});
  }
  specs.push_back({"position", {kMaxTokens, c.width}, 0, kEmbeddingDeviation});
  const double branch = 1 / std::sqrt(2.0 * c.layers);  // Keeps the residual stream's variance near one.
  for (int l = 0; l < c.layers; ++l) {
    const std::string name = absl::StrCat("layer", l);
    AddNorm(&specs, name + ".norm1", c.width);
    AddLinear(&specs, name + ".qkv", 3 * c.width, c.width, 1);
    AddLinear(&specs, name + ".mixed", c.width, c.width, branch);
    AddNorm(&specs, name + ".norm2", c.width);
    AddLinear(&specs, name + ".up", 4 * c.width, c.width, 1);
    AddLinear(&specs, name + ".down", c.width, 4 * c.width, branch);
  }
  AddNorm(&specs, "norm", c.width);
  specs.push_back({"output", {c.output_dim, c.width}, 0, 1 / std::sqrt(static_cast<double>(c.width))});
  return specs;
}

absl::StatusOr<TrunkNet> TrunkNet::Create(const TrunkConfig& config) {
  if (const absl::Status status = CheckConfig(config); !status.ok()) return status;
  TrunkNet net{config, {}};
  Normal normal(config.seed);
  for (const ParameterSpec& spec : ParameterSpecs(config)) {
    at::Tensor array = at::empty(spec.shape, at::kFloat);
    float* values = array.data_ptr<float>();
    for (int64_t i = 0; i < array.numel(); ++i) {
      values[i] = spec.deviation == 0 ? spec.mean : spec.mean + spec.deviation * normal.Next();
    }
    net.parameters.push_back(std::move(array));
  }
  return net;
}

std::string TrunkNet::ToBytes() const {
  ByteWriter out;
  out.U32(kMagic);
  out.U32(kVersion);
  for (const int v : {config.slots, config.width, config.layers, config.heads, config.output_dim}) out.U32(v);
  out.U64(config.seed);
  const std::vector<ParameterSpec> specs = ParameterSpecs(config);
  for (size_t i = 0; i < specs.size(); ++i) {
    out.U64(StateSum(specs[i].name));
    out.Floats({parameters[i].data_ptr<float>(), static_cast<size_t>(parameters[i].numel())});
  }
  return std::move(out).Finish();
}

absl::StatusOr<TrunkNet> TrunkNet::FromBytes(absl::string_view bytes) {
  const absl::Status damaged = absl::DataLossError(absl::StrCat(
      "trunk weights: got ", bytes.size(), " bytes, cut or altered; wanted what ToBytes wrote; restore a copy"));
  ByteReader in(bytes);
  if (!in.CheckSum() || in.U32() != kMagic) return damaged;
  if (const uint32_t version = in.U32(); version != kVersion) {
    return absl::FailedPreconditionError(absl::StrCat("trunk weights: got format ", version, ", wanted ", kVersion,
                                                      "; open them with the release that wrote them"));
  }
  TrunkConfig config;
  for (int* v : {&config.slots, &config.width, &config.layers, &config.heads, &config.output_dim}) *v = in.U32();
  config.seed = in.U64();
  if (!in.ok() || !CheckConfig(config).ok()) return damaged;
  TrunkNet net{config, {}};
  for (const ParameterSpec& spec : ParameterSpecs(config)) {
    if (in.U64() != StateSum(spec.name)) return damaged;
    const std::vector<float> values = in.Floats();
    if (!in.ok() || static_cast<int64_t>(values.size()) != Size(spec)) return damaged;
    at::Tensor array = at::empty(spec.shape, at::kFloat);
    std::memcpy(array.data_ptr<float>(), values.data(), values.size() * sizeof(float));
    net.parameters.push_back(std::move(array));
  }
  return net;
}

absl::Status TrunkNet::Check(const TokenView& part, absl::string_view where) const {
  if (part.slot < 0 || part.slot >= config.slots) {
    return absl::InvalidArgumentError(absl::StrCat(where, ": got slot ", part.slot, ", wanted 0 to ",
                                                   config.slots - 1, "; use a trunk with a stem for it"));
  }
  const size_t n = part.tokens.size();
  if (n == 0 || n % kTokenBytes != 0 || n > kTokenBytes * kMaxTokens) {
    return absl::InvalidArgumentError(absl::StrCat(where, ": got ", n, " token bytes, wanted 1 to ", kMaxTokens,
                                                   " tokens of ", kTokenBytes, "; cut the part"));
  }
  return absl::OkStatus();
}

at::Tensor TrunkNet::Forward(absl::Span<const TokenView> parts) const {
  const int64_t n = parts.size();
  std::vector<int> order(n);  // By slot, so that each stem runs once.
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return parts[a].slot < parts[b].slot; });
  int64_t length = 0;
  bool padded = false;
  for (const TokenView& part : parts) length = std::max<int64_t>(length, part.tokens.size() / kTokenBytes);

  at::Tensor valid = at::zeros({n, length, 1}, at::kFloat);
  at::Tensor back = at::empty({n}, at::kLong);
  for (int64_t row = 0; row < n; ++row) {
    const int64_t tokens = parts[order[row]].tokens.size() / kTokenBytes;
    std::fill_n(valid.data_ptr<float>() + row * length, tokens, 1.0f);
    padded |= tokens < length;
    back.data_ptr<int64_t>()[order[row]] = row;
  }

  std::vector<at::Tensor> stems;
  for (size_t begin = 0; begin < order.size();) {
    const int slot = parts[order[begin]].slot;
    size_t end = begin;
    while (end < order.size() && parts[order[end]].slot == slot) ++end;
    const at::Tensor* p = &parameters[slot * kSlotArrays];
    const absl::Span<const int> which = absl::MakeConstSpan(order).subspan(begin, end - begin);
    stems.push_back(Norm(at::linear(TokenTensor(parts, which, length), p[0], p[1]), p + 2) + p[4]);
    begin = end;
  }
  const at::Tensor* p = &parameters[config.slots * kSlotArrays];
  at::Tensor x = (stems.size() == 1 ? stems[0] : at::cat(stems, 0)) + p->narrow(0, 0, length);
  ++p;
  at::Tensor mask;
  if (padded) mask = ((valid - 1) * 1e9).view({n, 1, 1, length});
  for (int layer = 0; layer < config.layers; ++layer, p += kLayerArrays) {
    x = x + Attention(Norm(x, p), p + 2, config.heads, mask);
    x = x + FeedForward(Norm(x, p + 6), p + 8);
  }
  x = Norm(x, p);
  x = padded ? (x * valid).sum(1) / valid.sum(1) : x.mean(1);
  x = at::linear(x, p[2]);
  x = x / x.norm(2, {1}, /*keepdim=*/true).clamp_min(1e-12);
  return x.index_select(0, back);
}

}  // namespace mixmatch::model
