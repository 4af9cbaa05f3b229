#include "model/trunk/trunk_net.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <numeric>
#include <random>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "model/tensors/safetensors.h"

namespace mixmatch::model {
namespace {

constexpr char kFormat[] = "mixmatch-trunk-2";
constexpr double kEmbeddingDeviation = 0.1;
constexpr int kPatch = 16;             // Pixels, bands or frames a side of a token.
constexpr int kPictureTokens = 64;     // 8 x 8 of them.
constexpr int kFrameTokens = 16;       // 4 x 4.
constexpr int kSoundGroups = 4;        // Tokens one above the other in a stretch.
constexpr int kChannels[] = {32, 64, 128};  // Of the convolutions before the last one.
constexpr int kNormGroups = 8;
constexpr char kPictureStem[] = "picture";
constexpr char kSoundStem[] = "sound";

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

bool In(int v, int low, int high) { return v >= low && v <= high; }

absl::Status CheckConfig(const TrunkConfig& c) {
  bool stems = c.stems.empty() || c.stems.size() == static_cast<size_t>(c.slots);
  for (StemKind kind : c.stems) stems &= In(static_cast<int>(kind), 0, static_cast<int>(StemKind::kLogMel));
  if (stems && In(c.slots, 1, 64) && In(c.width, 8, 1024) && In(c.layers, 1, 24) && In(c.heads, 1, 64) &&
      In(c.output_dim, 2, 4096) && c.width % c.heads == 0) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "trunk configuration: got slots ", c.slots, ", stems ", c.stems.size(), ", width ", c.width, ", layers ", c.layers,
      ", heads ", c.heads, ", output_dim ", c.output_dim,
      "; wanted slots 1-64, a known stem for each or none, width 8-1024 in whole heads, layers 1-24, heads 1-64, "
      "output_dim 2-4096; correct it"));
}

bool Has(const TrunkConfig& c, StemKind kind) { return std::count(c.stems.begin(), c.stems.end(), kind) > 0; }

void AddNorm(std::vector<ParameterSpec>* specs, const std::string& name, int64_t width) {
  specs->push_back({name + ".gain", {width}, 1, 0});
  specs->push_back({name + ".bias", {width}, 0, 0});
}

void AddLinear(std::vector<ParameterSpec>* specs, const std::string& name, int64_t out, int64_t in, double scale) {
  specs->push_back({name + ".weight", {out, in}, 0, scale / std::sqrt(static_cast<double>(in))});
  specs->push_back({name + ".bias", {out}, 0, 0});
}

void AddConvolution(std::vector<ParameterSpec>* specs, const std::string& name, int64_t out, int64_t in, int64_t side) {
  specs->push_back({name + ".weight", {out, in, side, side}, 0, std::sqrt(2.0 / static_cast<double>(in * side * side))});
  specs->push_back({name + ".bias", {out}, 0, 0});
}

// Three steps down with a residual convolution after each but the first, then one to the trunk's width.
void AddConvolutionStem(std::vector<ParameterSpec>* specs, const std::string& name, int64_t channels, int64_t width) {
  for (int i = 0; i < 3; ++i) {
    const std::string step = absl::StrCat(name, ".down", i);
    AddConvolution(specs, step, kChannels[i], channels, i == 0 ? 5 : 3);
    AddNorm(specs, step + ".norm", kChannels[i]);
    channels = kChannels[i];
    if (i == 0) continue;
    AddConvolution(specs, absl::StrCat(name, ".same", i), channels, channels, 3);
    AddNorm(specs, absl::StrCat(name, ".same", i, ".norm"), channels);
  }
  AddConvolution(specs, name + ".out", width, channels, 3);
}

// Bytes of patches, [count] tokens, as a plane of across x (count / across) patches; row-major, [-1, 1].
void Unpatch(absl::Span<const uint8_t> tokens, int across, float* plane) {
  const int stride = across * kPatch;
  for (size_t t = 0; t * kTokenBytes < tokens.size(); ++t) {
    float* corner = plane + (t / across) * kPatch * stride + (t % across) * kPatch;
    for (int y = 0; y < kPatch; ++y) {
      for (int x = 0; x < kPatch; ++x) corner[y * stride + x] = tokens[t * kTokenBytes + y * kPatch + x] / 127.5f - 1;
    }
  }
}

// A colour mosaic [side, side] (red, green / green, blue) as [3, side / 2, side / 2].
void Demosaic(absl::Span<const uint8_t> tokens, int across, float* out) {
  const int side = across * kPatch, half = side / 2;
  std::vector<float> plane(static_cast<size_t>(side) * side);
  Unpatch(tokens, across, plane.data());
  for (int y = 0; y < half; ++y) {
    for (int x = 0; x < half; ++x) {
      const float* cell = &plane[static_cast<size_t>(2 * y) * side + 2 * x];
      out[y * half + x] = cell[0];
      out[(half + y) * half + x] = 0.5f * (cell[1] + cell[side]);
      out[(2 * half + y) * half + x] = cell[side + 1];
    }
  }
}

// Four patches of 16 bands each side by side: [frames, 64].
void Spectrum(absl::Span<const uint8_t> tokens, float* out) { Unpatch(tokens, kSoundGroups, out); }

// Tokens that the attention sees of a part.
int64_t AttentionTokens(StemKind kind, int64_t tokens) {
  switch (kind) {
    case StemKind::kMosaic: return kPictureTokens / 4;
    case StemKind::kFrames: return tokens / 4;
    case StemKind::kLogMel: return tokens / kSoundGroups;
    default: return tokens;
  }
}

at::Tensor Values(StemKind kind, absl::Span<const TokenView> parts, const std::vector<int>& which) {
  const int64_t n = which.size();
  size_t longest = 0;
  for (int i : which) longest = std::max(longest, parts[i].tokens.size() / kTokenBytes);
  at::Tensor out;
  switch (kind) {
    case StemKind::kMosaic: out = at::empty({n, 3, 64, 64}); break;
    case StemKind::kFrames:
      out = at::full({n, static_cast<int64_t>(longest) / kFrameTokens, 3, 32, 32}, -1.0f);
      break;
    case StemKind::kLogMel: out = at::full({n, 1, static_cast<int64_t>(longest) / kSoundGroups * kPatch, 64}, -1.0f); break;
    default: out = at::zeros({n, static_cast<int64_t>(longest), kTokenBytes});
  }
  float* row = out.data_ptr<float>();
  const int64_t stride = out.numel() / n;
  for (int i : which) {
    const absl::Span<const uint8_t> tokens = parts[i].tokens;
    switch (kind) {
      case StemKind::kMosaic: Demosaic(tokens, 8, row); break;
      case StemKind::kFrames:
        for (size_t f = 0; f * kFrameTokens * kTokenBytes < tokens.size(); ++f) {
          Demosaic(tokens.subspan(f * kFrameTokens * kTokenBytes, kFrameTokens * kTokenBytes), 4, row + f * 3 * 32 * 32);
        }
        break;
      case StemKind::kLogMel: Spectrum(tokens, row); break;
      default:
        for (size_t k = 0; k < tokens.size(); ++k) row[k] = tokens[k] / 127.5f - 1;
    }
    row += stride;
  }
  return out;
}

absl::flat_hash_map<std::string, int> IndexOf(const std::vector<ParameterSpec>& specs) {
  absl::flat_hash_map<std::string, int> index;
  for (size_t i = 0; i < specs.size(); ++i) index[specs[i].name] = static_cast<int>(i);
  return index;
}

absl::StatusOr<TrunkConfig> ParseConfig(const std::map<std::string, std::string>& metadata) {
  TrunkConfig config;
  const auto number = [&](const char* name, auto* value) {
    const auto found = metadata.find(name);
    return found != metadata.end() && absl::SimpleAtoi(found->second, value);
  };
  bool ok = number("slots", &config.slots) && number("width", &config.width) && number("layers", &config.layers) &&
            number("heads", &config.heads) && number("output_dim", &config.output_dim) && number("seed", &config.seed);
  const auto stems = metadata.find("stems");
  if (stems != metadata.end() && !stems->second.empty()) {
    for (absl::string_view kind : absl::StrSplit(stems->second, ' ')) {
      int value = -1;
      ok &= absl::SimpleAtoi(kind, &value);
      config.stems.push_back(static_cast<StemKind>(value));
    }
  }
  if (!ok || !CheckConfig(config).ok()) return absl::DataLossError("trunk weights: their configuration is damaged");
  return config;
}

}  // namespace

std::vector<ParameterSpec> ParameterSpecs(const TrunkConfig& c) {
  std::vector<ParameterSpec> specs;
  if (Has(c, StemKind::kMosaic) || Has(c, StemKind::kFrames)) AddConvolutionStem(&specs, kPictureStem, 3, c.width);
  if (Has(c, StemKind::kLogMel)) {
    AddConvolutionStem(&specs, kSoundStem, 1, c.width);
    // What is left of the frequency axis, four places, becomes one.
    AddLinear(&specs, absl::StrCat(kSoundStem, ".bands"), c.width, 4 * c.width, 1);
  }
  for (int s = 0; s < c.slots; ++s) {
    const std::string name = absl::StrCat("stem", s);
    if (c.stem(s) == StemKind::kBag) AddLinear(&specs, name, c.width, kTokenBytes, 1);
    AddNorm(&specs, name + ".norm", c.width);
    specs.push_back({name + ".modality", {c.width}, 0, kEmbeddingDeviation});
    specs.push_back({name + ".position", {kMaxTokens, c.width}, 0, kEmbeddingDeviation});
  }
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
  specs.push_back({"output.weight", {c.output_dim, c.width}, 0, 1 / std::sqrt(static_cast<double>(c.width))});
  return specs;
}

absl::StatusOr<TrunkNet> TrunkNet::Create(const TrunkConfig& config) {
  if (const absl::Status status = CheckConfig(config); !status.ok()) return status;
  const std::vector<ParameterSpec> specs = ParameterSpecs(config);
  TrunkNet net{config, {}, IndexOf(specs)};
  Normal normal(config.seed);
  for (const ParameterSpec& spec : specs) {
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
  Safetensors file;
  file.metadata = {{"format", kFormat},
                   {"slots", absl::StrCat(config.slots)},
                   {"stems", absl::StrJoin(config.stems, " ",
                                           [](std::string* out, StemKind kind) {
                                             absl::StrAppend(out, static_cast<int>(kind));
                                           })},
                   {"width", absl::StrCat(config.width)},
                   {"layers", absl::StrCat(config.layers)},
                   {"heads", absl::StrCat(config.heads)},
                   {"output_dim", absl::StrCat(config.output_dim)},
                   {"seed", absl::StrCat(config.seed)}};
  for (const auto& [name, place] : index) {
    const at::Tensor array = parameters[place].detach().to(at::kCPU).contiguous();
    file.arrays[name] = Array::Of<float>(ArrayType::kF32, array.sizes().vec(),
                                         {array.data_ptr<float>(), static_cast<size_t>(array.numel())});
  }
  return file.Serialize();
}

absl::StatusOr<TrunkNet> TrunkNet::FromBytes(absl::string_view bytes) {
  absl::StatusOr<Safetensors> file = Safetensors::Parse(bytes);
  if (!file.ok()) return file.status();
  if (const std::string format = file->metadata["format"]; format != kFormat) {
    return absl::FailedPreconditionError(absl::StrCat("trunk weights: got format \"", format, "\", wanted ", kFormat,
                                                      "; open them with the release that wrote them"));
  }
  if (!file->checked) return absl::DataLossError("trunk weights: their checksum is gone; restore a copy");
  absl::StatusOr<TrunkConfig> config = ParseConfig(file->metadata);
  if (!config.ok()) return config.status();
  const std::vector<ParameterSpec> specs = ParameterSpecs(*config);
  TrunkNet net{*config, {}, IndexOf(specs)};
  for (const ParameterSpec& spec : specs) {
    const auto found = file->arrays.find(spec.name);
    if (found == file->arrays.end() || found->second.shape != spec.shape ||
        (found->second.type != ArrayType::kF32 && found->second.type != ArrayType::kBf16)) {
      return absl::DataLossError(absl::StrCat("trunk weights: array ", spec.name,
                                              " is missing or of another shape; restore a copy"));
    }
    std::string values = found->second.bytes;
    const auto type = found->second.type == ArrayType::kF32 ? at::kFloat : at::kBFloat16;
    net.parameters.push_back(at::from_blob(values.data(), spec.shape, type).to(at::kFloat, false, /*copy=*/true));
  }
  return net;
}

absl::Status TrunkNet::Check(const TokenView& part, absl::string_view where) const {
  if (part.slot < 0 || part.slot >= config.slots) {
    return absl::InvalidArgumentError(absl::StrCat(where, ": got slot ", part.slot, ", wanted 0 to ",
                                                   config.slots - 1, "; use a trunk with a stem for it"));
  }
  const size_t n = part.tokens.size() / kTokenBytes;
  bool fits = n > 0 && n <= kMaxTokens && part.tokens.size() % kTokenBytes == 0;
  switch (config.stem(part.slot)) {
    case StemKind::kMosaic: fits &= n == kPictureTokens; break;
    case StemKind::kFrames: fits &= n % kFrameTokens == 0; break;
    case StemKind::kLogMel: fits &= n % kSoundGroups == 0; break;
    default: break;
  }
  if (fits) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(where, ": got ", part.tokens.size(), " token bytes of slot ", part.slot,
                                                 ", wanted 1 to ", kMaxTokens, " tokens of ", kTokenBytes,
                                                 " in the form that its stem reads; cut the part"));
}

std::vector<StemInput> TrunkNet::Gather(absl::Span<const TokenView> parts) const {
  // Convolutions over time see the end of a sound, so that one padded to another's length would come out otherwise than
  // alone: sounds of one length are a group.
  std::map<std::pair<int, size_t>, StemInput> groups;
  for (size_t i = 0; i < parts.size(); ++i) {
    const int slot = parts[i].slot;
    StemInput& input = groups[{slot, config.stem(slot) == StemKind::kLogMel ? parts[i].tokens.size() : 0}];
    input.slot = slot;
    input.kind = config.stem(slot);
    input.parts.push_back(static_cast<int>(i));
    input.tokens.push_back(AttentionTokens(input.kind, static_cast<int64_t>(parts[i].tokens.size() / kTokenBytes)));
  }
  std::vector<StemInput> inputs;
  for (auto& [key, input] : groups) {
    input.values = Values(input.kind, parts, input.parts);
    inputs.push_back(std::move(input));
  }
  return inputs;
}

at::Tensor TrunkNet::Linear(const at::Tensor& x, absl::string_view name) const {
  const at::Tensor &weight = At(absl::StrCat(name, ".weight")), &bias = At(absl::StrCat(name, ".bias"));
  if (!bf16) return at::linear(x, weight, bias);
  return at::linear(x.to(at::kBFloat16), weight.to(at::kBFloat16), bias.to(at::kBFloat16)).to(at::kFloat);
}

at::Tensor TrunkNet::Norm(const at::Tensor& x, absl::string_view name) const {
  return at::layer_norm(x, {x.size(-1)}, At(absl::StrCat(name, ".gain")), At(absl::StrCat(name, ".bias")));
}

at::Tensor TrunkNet::Convolve(const at::Tensor& x, absl::string_view name, int stride) const {
  const at::Tensor &weight = At(absl::StrCat(name, ".weight")), &bias = At(absl::StrCat(name, ".bias"));
  const int64_t pad = weight.size(2) / 2;
  if (!bf16) return at::conv2d(x, weight, bias, stride, pad);
  return at::conv2d(x.to(at::kBFloat16), weight.to(at::kBFloat16), bias.to(at::kBFloat16), stride, pad).to(at::kFloat);
}

at::Tensor TrunkNet::ConvolutionStem(at::Tensor x, absl::string_view name) const {
  const auto norm = [&](const at::Tensor& y, const std::string& step) {
    return at::gelu(at::group_norm(y, kNormGroups, At(step + ".norm.gain"), At(step + ".norm.bias")));
  };
  for (int i = 0; i < 3; ++i) {
    const std::string down = absl::StrCat(name, ".down", i), same = absl::StrCat(name, ".same", i);
    x = norm(Convolve(x, down, 2), down);
    if (i > 0) x = x + norm(Convolve(x, same, 1), same);
  }
  return Convolve(x, absl::StrCat(name, ".out"), 2);
}

// [b, l, width].
at::Tensor TrunkNet::Stem(const StemInput& input) const {
  const at::Tensor values = input.values.to(parameters[0].device());
  const int64_t b = values.size(0);
  switch (input.kind) {
    case StemKind::kMosaic: return ConvolutionStem(values, kPictureStem).flatten(2).transpose(1, 2);
    case StemKind::kFrames: {
      const at::Tensor x = ConvolutionStem(values.flatten(0, 1), kPictureStem);  // [b * frames, width, 2, 2].
      return x.flatten(2).transpose(1, 2).reshape({b, -1, config.width});
    }
    case StemKind::kLogMel: {
      const at::Tensor x = ConvolutionStem(values, kSoundStem);  // [b, width, frames / 16, 4].
      return Linear(x.permute({0, 2, 1, 3}).flatten(2), absl::StrCat(kSoundStem, ".bands"));
    }
    default: return Linear(values, absl::StrCat("stem", input.slot));
  }
}

// `mask` is [b, 1, 1, l], added to the logits; undefined when no part is padded.
at::Tensor TrunkNet::Attend(const at::Tensor& x, absl::string_view name, const at::Tensor& mask) const {
  const int64_t b = x.size(0), l = x.size(1), width = x.size(2), depth = width / config.heads;
  const at::Tensor qkv =
      Linear(x, absl::StrCat(name, ".qkv")).view({b, l, 3, config.heads, depth}).permute({2, 0, 3, 1, 4});
  const at::Tensor q = qkv.select(0, 0) * (1 / std::sqrt(static_cast<double>(depth)));
  at::Tensor logits = at::matmul(q, qkv.select(0, 1).transpose(-2, -1));
  if (mask.defined()) logits = logits + mask;
  const at::Tensor mixed = at::matmul(at::softmax(logits, -1), qkv.select(0, 2));
  return Linear(mixed.transpose(1, 2).reshape({b, l, width}), absl::StrCat(name, ".mixed"));
}

at::Tensor TrunkNet::ForwardGroup(const StemInput& input) const {
  const std::string stem = absl::StrCat("stem", input.slot);
  at::Tensor x = Norm(Stem(input), stem + ".norm") + At(stem + ".modality");
  const int64_t b = x.size(0), l = x.size(1);
  x = x + At(stem + ".position").narrow(0, 0, l);
  at::Tensor valid, mask;
  if (std::any_of(input.tokens.begin(), input.tokens.end(), [&](int64_t n) { return n < l; })) {
    valid = at::zeros({b, l, 1}, at::kFloat);
    for (int64_t row = 0; row < b; ++row) std::fill_n(valid.data_ptr<float>() + row * l, input.tokens[row], 1.0f);
    valid = valid.to(x.device());
    mask = ((valid - 1) * 1e9).view({b, 1, 1, l});
  }
  for (int layer = 0; layer < config.layers; ++layer) {
    const std::string name = absl::StrCat("layer", layer);
    x = x + Attend(Norm(x, name + ".norm1"), name, mask);
    x = x + Linear(at::gelu(Linear(Norm(x, name + ".norm2"), name + ".up")), name + ".down");
  }
  x = Norm(x, "norm");
  x = mask.defined() ? (x * valid).sum(1) / valid.sum(1) : x.mean(1);
  x = at::linear(x, At("output.weight"));
  return x / x.norm(2, {1}, /*keepdim=*/true).clamp_min(1e-12);
}

at::Tensor TrunkNet::Forward(const std::vector<StemInput>& inputs) const {
  std::vector<at::Tensor> rows;
  std::vector<int> order;
  for (const StemInput& input : inputs) {
    rows.push_back(ForwardGroup(input));
    order.insert(order.end(), input.parts.begin(), input.parts.end());
  }
  at::Tensor back = at::empty({static_cast<int64_t>(order.size())}, at::kLong);
  for (size_t row = 0; row < order.size(); ++row) back.data_ptr<int64_t>()[order[row]] = static_cast<int64_t>(row);
  const at::Tensor all = rows.size() == 1 ? rows[0] : at::cat(rows, 0);
  return all.index_select(0, back.to(all.device()));
}

}  // namespace mixmatch::model
