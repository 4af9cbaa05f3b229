#include "model/trunk/trunk_net.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <numeric>
#include <random>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "model/tensors/safetensors.h"
#include "model/trunk/fused.h"
#include "model/trunk/timeline.h"

namespace mixmatch::model {
namespace {

constexpr char kFormat[] = "mixmatch-trunk-2";
constexpr double kEmbeddingDeviation = 0.1;
constexpr int kPatch = 16;             // Pixels, bands or frames a side of a token.
constexpr int kPictureTokens = 64;     // 8 x 8 of them.
constexpr int kFrameTokens = 16;       // 4 x 4.
constexpr int kSoundGroups = 4;        // Tokens one above the other in a stretch.
constexpr int kSide = 64;              // Of the planes that stems look at.
constexpr int kGrid = 16;              // Of the maps made of them.
constexpr int kOrientations = 8;
constexpr int kChannels[] = {48, 96};  // Of the convolutions before the last one.
constexpr int kNormGroups = 8;
constexpr int kFinest = kGrid * kGrid, kMiddle = kGrid * kGrid / 4;  // Places of the maps, and of the second convolution.
constexpr char kPictureStem[] = "picture";
constexpr char kSpectrumStem[] = "sound";
constexpr char kTimelineStem[] = "timeline";
constexpr int kTimelineReach = 5;      // Frames that a convolution over time sees.

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

at::Tensor FirstValues(const ParameterSpec& spec, Normal& normal) {
  at::Tensor array = at::empty(spec.shape, at::kFloat);
  float* values = array.data_ptr<float>();
  for (int64_t i = 0; i < array.numel(); ++i) {
    values[i] = spec.deviation == 0 ? spec.mean : spec.mean + spec.deviation * normal.Next();
  }
  return array;
}

// FNV-1a, so that it is the same everywhere.
uint64_t SeedOf(absl::string_view name, uint64_t seed) {
  uint64_t hash = 0xcbf29ce484222325ull ^ seed;
  for (const char c : name) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3ull;
  return hash;
}

bool In(int v, int low, int high) { return v >= low && v <= high; }

absl::Status CheckConfig(const TrunkConfig& c) {
  bool stems = c.stems.empty() || c.stems.size() == static_cast<size_t>(c.slots);
  for (StemKind kind : c.stems) stems &= In(static_cast<int>(kind), 0, static_cast<int>(StemKind::kSound));
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

void AddConvolution(std::vector<ParameterSpec>* specs, const std::string& name, int64_t out, int64_t in, int64_t height,
                    int64_t width) {
  specs->push_back({name + ".weight", {out, in, height, width}, 0, std::sqrt(2.0 / static_cast<double>(in * height * width))});
  specs->push_back({name + ".bias", {out}, 0, 0});
}

// Maps of a plane of `channels`: gradients at two scales, the channels, and for colours two opponents.
int MapChannels(int channels) { return 2 * kOrientations + channels + (channels == 3 ? 2 : 0); }

void AddPlaneStem(std::vector<ParameterSpec>* specs, const std::string& name, int channels, int64_t width) {
  const int64_t maps = MapChannels(channels);
  AddConvolution(specs, name + ".fine", kChannels[0], maps, 3, 3);
  AddNorm(specs, name + ".fine.norm", kChannels[0]);
  AddConvolution(specs, name + ".middle", kChannels[1], kChannels[0], 3, 3);
  AddNorm(specs, name + ".middle.norm", kChannels[1]);
  AddConvolution(specs, name + ".tokens", width, kChannels[1], 3, 3);
  AddLinear(specs, name + ".maps", width, maps * kFinest, 1);
  AddLinear(specs, name + ".places", width, int64_t{kChannels[1]} * kMiddle, 1);
}

// Convolutions over time alone: [out, in, 1, reach].
void AddTimelineStem(std::vector<ParameterSpec>* specs, int64_t width) {
  const std::string name = kTimelineStem;
  int64_t in = kTimelineBands;
  for (const char* layer : {".first", ".second", ".third"}) {
    AddConvolution(specs, name + layer, width, in, 1, kTimelineReach);
    AddNorm(specs, name + layer + ".norm", width);
    in = width;
  }
  AddLinear(specs, name + ".stretches", width, kTimelineStretches * width, 1);
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

// A colour mosaic (red, green / green, blue) of `across` patches a side as [3, 64, 64]; a smaller one is enlarged.
void Demosaic(absl::Span<const uint8_t> tokens, int across, float* out) {
  const int side = across * kPatch, times = 2 * kSide / side;
  std::vector<float> plane(static_cast<size_t>(side) * side);
  Unpatch(tokens, across, plane.data());
  for (int y = 0; y < kSide; ++y) {
    for (int x = 0; x < kSide; ++x) {
      const float* cell = &plane[static_cast<size_t>(2 * (y / times)) * side + 2 * (x / times)];
      out[y * kSide + x] = cell[0];
      out[(kSide + y) * kSide + x] = 0.5f * (cell[1] + cell[side]);
      out[(2 * kSide + y) * kSide + x] = cell[side + 1];
    }
  }
}

// The value at a share `q` of the sorted values.
float Quantile(std::vector<float> values, float q) {
  const auto at = values.begin() + static_cast<size_t>(q * (values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

// First and last frame within 20 dB of the loudest, over a mean of five frames.
std::pair<int, int> Sounding(const std::vector<float>& loudness) {
  const int frames = static_cast<int>(loudness.size());
  const float loudest = *std::max_element(loudness.begin(), loudness.end());
  int first = frames, last = -1;
  for (int t = 0; t < frames; ++t) {
    const int from = std::max(0, t - 2), to = std::min(frames, t + 3);
    const float mean = std::accumulate(&loudness[from], &loudness[0] + to, 0.0f) / (to - from);
    if (mean <= 0.01f * loudest) continue;
    first = std::min(first, t);
    last = t;
  }
  return last < first ? std::make_pair(0, frames - 1) : std::make_pair(first, last);
}

// Patches of 16 bands, four side by side, a byte for each 4.25th of a decibel above -60: [64 steps, 64 bands].
void Spectrum(absl::Span<const uint8_t> tokens, float* out) {
  const int frames = static_cast<int>(tokens.size()) / kTokenBytes / kSoundGroups * kPatch;
  std::vector<float> power(static_cast<size_t>(frames) * kSide), column(frames), loudness(frames, 0.0f);
  Unpatch(tokens, kSoundGroups, power.data());
  for (float& v : power) v = v <= -1 ? 0 : std::pow(10.0f, (v - 1) * 3);
  for (int b = 0; b < kSide; ++b) {
    for (int t = 0; t < frames; ++t) column[t] = power[t * kSide + b];
    const float floor = std::min(Quantile(column, 0.1f), 0.1f * Quantile(column, 0.95f));
    for (int t = 0; t < frames; ++t) loudness[t] += power[t * kSide + b] = std::max(0.0f, column[t] - floor);
  }
  const auto [first, last] = Sounding(loudness);
  const float reference = std::max(1e-9f, *std::max_element(loudness.begin(), loudness.end()) * 0.5f);
  const float step = static_cast<float>(last - first + 1) / kSide;
  for (int s = 0; s < kSide; ++s) {
    const int from = first + static_cast<int>(s * step);
    const int to = std::max(from + 1, first + static_cast<int>((s + 1) * step));
    for (int b = 0; b < kSide; ++b) {
      float mean = 0;
      for (int t = from; t < to; ++t) mean += power[t * kSide + b] / (to - from);
      out[s * kSide + b] = std::log10(1 + 1000 * mean / reference) * (2 / 3.0f) - 1;
    }
  }
}

// Tokens that the attention sees of a part, with the summary; of a kSound part its frames say it.
int64_t AttentionTokens(StemKind kind, int64_t tokens) {
  switch (kind) {
    case StemKind::kMosaic:
    case StemKind::kLogMel: return 1 + kGrid;
    case StemKind::kFrames: return 1 + tokens / kFrameTokens;
    default: return 1 + tokens;
  }
}

at::Tensor Values(StemKind kind, absl::Span<const TokenView> parts, const std::vector<int>& which) {
  const int64_t n = which.size();
  int64_t longest = 0;
  for (int i : which) longest = std::max(longest, static_cast<int64_t>(parts[i].tokens.size()) / kTokenBytes);
  at::Tensor out;
  switch (kind) {
    case StemKind::kMosaic: out = at::empty({n, 3, kSide, kSide}); break;
    case StemKind::kFrames: out = at::ones({n, longest / kFrameTokens, 3, kSide, kSide}); break;
    case StemKind::kLogMel: out = at::empty({n, 1, kSide, kSide}); break;
    default: out = at::zeros({n, longest, kTokenBytes});
  }
  float* row = out.data_ptr<float>();
  const int64_t stride = out.numel() / n;
  constexpr int kFrameBytes = kFrameTokens * kTokenBytes;
  for (int i : which) {
    const absl::Span<const uint8_t> tokens = parts[i].tokens;
    switch (kind) {
      case StemKind::kMosaic: Demosaic(tokens, 8, row); break;
      case StemKind::kFrames:
        for (size_t f = 0; f * kFrameBytes < tokens.size(); ++f) {
          Demosaic(tokens.subspan(f * kFrameBytes, kFrameBytes), 4, row + f * 3 * kSide * kSide);
        }
        break;
      case StemKind::kLogMel: Spectrum(tokens, row); break;
      case StemKind::kWords:
        for (size_t k = 0; k < tokens.size(); ++k) row[k] = tokens[k] / 64.0f;
        break;
      default:
        for (size_t k = 0; k < tokens.size(); ++k) row[k] = tokens[k] / 127.5f - 1;
    }
    row += stride;
  }
  return out;
}

// The sounds of `group`, cut where the longest of an input would be more than half as long again as its shortest: what is
// padded costs as much as what is not.
void AddSounds(const StemInput& group, absl::Span<const TokenView> parts, std::vector<StemInput>* inputs) {
  std::vector<std::pair<std::vector<float>, int>> sounds;
  for (int i : group.parts) sounds.emplace_back(TimelineOf(parts[i].tokens), i);
  std::stable_sort(sounds.begin(), sounds.end(),
                   [](const auto& a, const auto& b) { return a.first.size() < b.first.size(); });
  for (size_t begin = 0, end = 0; begin < sounds.size(); begin = end) {
    StemInput input;
    input.slot = group.slot;
    input.kind = group.kind;
    std::vector<std::vector<float>> timelines;
    const size_t longest = sounds[begin].first.size() * 3 / 2;
    for (; end < sounds.size() && sounds[end].first.size() <= longest; ++end) {
      timelines.push_back(std::move(sounds[end].first));
      input.parts.push_back(sounds[end].second);
    }
    input.SetTimelines(PadTimelines(timelines), FramesOf(timelines));
    inputs->push_back(std::move(input));
  }
}

// [b, 1, n, n] -> [b, 8, 16, 16]: how strongly each direction of change is present, against what is around it.
at::Tensor Gradients(const at::Tensor& plane) {
  const int64_t side = plane.size(2);
  const at::Tensor p = at::replication_pad2d(plane, {1, 1, 1, 1});
  const at::Tensor x = p.slice(2, 1, side + 1).slice(3, 2) - p.slice(2, 1, side + 1).slice(3, 0, side);
  const at::Tensor y = p.slice(2, 2).slice(3, 1, side + 1) - p.slice(2, 0, side).slice(3, 1, side + 1);
  const at::Tensor strength = (x * x + y * y + 1e-6).sqrt();
  const at::Tensor angle = (at::arange(kOrientations, plane.options()) * (3.141592653589793 / kOrientations)).view({1, -1, 1, 1});
  at::Tensor fit = ((x * angle.cos() + y * angle.sin()) / strength).square();  // Squared cosine; twice: narrower.
  const at::Tensor maps = at::avg_pool2d(fit * fit * strength, side / kGrid);
  const at::Tensor around = at::avg_pool2d(maps.mean(1, /*keepdim=*/true), 5, 1, 2);
  return maps / (around + 0.04) * 0.5;
}

// [b, channels, 64, 64] -> [b, MapChannels, 16, 16].
at::Tensor Maps(const at::Tensor& planes) {
  const at::Tensor grey = planes.mean(1, /*keepdim=*/true);
  const at::Tensor levels = at::avg_pool2d(planes, kSide / kGrid);
  std::vector<at::Tensor> maps = {Gradients(grey), Gradients(at::avg_pool2d(grey, 2)), levels};
  if (planes.size(1) == 3) {
    const at::Tensor red = levels.narrow(1, 0, 1), green = levels.narrow(1, 1, 1), blue = levels.narrow(1, 2, 1);
    maps.push_back((red - green) * 2);
    maps.push_back((red + green) - blue * 2);
  }
  return at::cat(maps, 1);
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
  if (Has(c, StemKind::kMosaic) || Has(c, StemKind::kFrames)) AddPlaneStem(&specs, kPictureStem, 3, c.width);
  if (Has(c, StemKind::kSound)) AddTimelineStem(&specs, c.width);
  if (Has(c, StemKind::kLogMel)) AddPlaneStem(&specs, kSpectrumStem, 1, c.width);
  for (int s = 0; s < c.slots; ++s) {
    const std::string name = absl::StrCat("stem", s);
    if (c.stem(s) == StemKind::kBag || c.stem(s) == StemKind::kWords) {
      AddLinear(&specs, name, c.width, kTokenBytes, 1);
      AddLinear(&specs, name + ".all", c.width, kTokenBytes, 1);
    }
    AddNorm(&specs, name + ".norm", c.width);
    specs.push_back({name + ".modality", {c.width}, 0, kEmbeddingDeviation});
    specs.push_back({name + ".position", {1 + kMaxTokens, c.width}, 0, kEmbeddingDeviation});
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
  for (const ParameterSpec& spec : specs) net.parameters.push_back(FirstValues(spec, normal));
  return net;
}

absl::Status TrunkNet::AddSlots(int slots, std::vector<int>* moved) { return Become(config.WithSlots(slots), moved); }

absl::Status TrunkNet::SetStems(std::vector<StemKind> stems) {
  TrunkConfig wanted = config;
  wanted.stems = std::move(stems);
  return Become(wanted, nullptr);
}

absl::Status TrunkNet::Become(const TrunkConfig& wanted, std::vector<int>* moved) {
  if (const absl::Status status = CheckConfig(wanted); !status.ok()) return status;
  const std::vector<ParameterSpec> specs = ParameterSpecs(wanted);
  const absl::flat_hash_map<std::string, int> places = IndexOf(specs);
  std::vector<at::Tensor> arrays(specs.size());
  if (moved != nullptr) moved->assign(parameters.size(), -1);
  for (const auto& [name, place] : index) {
    const auto found = places.find(name);
    if (found == places.end()) continue;
    arrays[found->second] = parameters[place];
    if (moved != nullptr) (*moved)[place] = found->second;
  }
  for (size_t i = 0; i < specs.size(); ++i) {
    if (arrays[i].defined()) continue;
    Normal normal(SeedOf(specs[i].name, wanted.seed));
    arrays[i] = FirstValues(specs[i], normal);
  }
  config = wanted;
  parameters = std::move(arrays);
  index = places;
  return absl::OkStatus();
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
    case StemKind::kLogMel:
    case StemKind::kSound: fits &= n % kSoundGroups == 0; break;
    default: break;
  }
  if (fits) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(where, ": got ", part.tokens.size(), " token bytes of slot ", part.slot,
                                                 ", wanted 1 to ", kMaxTokens, " tokens of ", kTokenBytes,
                                                 " in the form that its stem reads; cut the part"));
}

std::vector<StemInput> TrunkNet::Gather(absl::Span<const TokenView> parts) const {
  std::map<int, StemInput> groups;
  for (size_t i = 0; i < parts.size(); ++i) {
    StemInput& input = groups[parts[i].slot];
    input.slot = parts[i].slot;
    input.kind = config.stem(input.slot);
    input.parts.push_back(static_cast<int>(i));
    input.tokens.push_back(AttentionTokens(input.kind, static_cast<int64_t>(parts[i].tokens.size() / kTokenBytes)));
  }
  std::vector<StemInput> inputs;
  for (auto& [slot, input] : groups) {
    if (input.kind == StemKind::kSound) {
      AddSounds(input, parts, &inputs);
      continue;
    }
    input.values = Values(input.kind, parts, input.parts);
    inputs.push_back(std::move(input));
  }
  return inputs;
}

void StemInput::SetTimelines(at::Tensor decibels, std::vector<int64_t> lengths) {
  values = std::move(decibels);
  frames = std::move(lengths);
  tokens.clear();
  for (int64_t n : frames) tokens.push_back(1 + StridedLength(n, kTimelineStride));
}

void TrunkNet::HoldForServing() {
  if (config.width / config.heads % 2 != 0) return;
  bf16 = true;
  matrices.resize(parameters.size());
  const absl::string_view read_out = "output.weight";  // Stays in float32.
  for (const auto& [name, place] : index) {
    if (!absl::EndsWith(name, ".weight") || name == read_out) continue;
    const at::Tensor& weight = parameters[place];
    if (weight.dim() == 2) {
      matrices[place] = HalfMatrix::OfWeight(weight);
    } else {  // [out, in, height, width], to the order of what HeldConvolve() multiplies.
      const at::Tensor last = at::constant_pad_nd(weight.permute({0, 2, 3, 1}), {0, weight.size(1) % 2});
      matrices[place] = HalfMatrix::OfWeight(last.flatten(1));
    }
  }
}

at::Tensor TrunkNet::HeldLinear(const at::Tensor& x, absl::string_view name, at::ScalarType to) const {
  return LinearHalf(x.to(at::kBFloat16), matrices[index.at(absl::StrCat(name, ".weight"))], At(absl::StrCat(name, ".bias")),
                    to);
}

at::Tensor TrunkNet::Linear(const at::Tensor& x, absl::string_view name) const {
  const std::string weight = absl::StrCat(name, ".weight"), bias = absl::StrCat(name, ".bias");
  if (!bf16) return at::linear(x, At(weight), At(bias));
  if (serves_halves()) return HeldLinear(x, name, at::kFloat);
  return at::linear(x.to(at::kBFloat16), At(weight).to(at::kBFloat16), At(bias).to(at::kBFloat16)).to(at::kFloat);
}

at::Tensor TrunkNet::Norm(const at::Tensor& x, absl::string_view name) const {
  return at::layer_norm(x, {x.size(-1)}, At(absl::StrCat(name, ".gain")), At(absl::StrCat(name, ".bias")));
}

at::Tensor TrunkNet::Convolve(const at::Tensor& x, absl::string_view name, int stride) const {
  if (serves_halves()) return HeldConvolve(x, name, stride);
  const at::Tensor &weight = At(absl::StrCat(name, ".weight")), &bias = At(absl::StrCat(name, ".bias"));
  const std::vector<int64_t> pad = {weight.size(2) / 2, weight.size(3) / 2};
  if (!bf16) return at::conv2d(x, weight, bias, stride, pad);
  const auto half = [](const at::Tensor& t) { return t.to(at::kBFloat16); };
  return at::conv2d(half(x), half(weight), half(bias), stride, pad).to(at::kFloat);
}

// One linear over windows that lie side by side in memory where channels come last; over time they need no copy.
at::Tensor TrunkNet::HeldConvolve(const at::Tensor& x, absl::string_view name, int stride) const {
  const at::Tensor& weight = At(absl::StrCat(name, ".weight"));
  const int64_t height = weight.size(2), width = weight.size(3), down = height / 2, across = width / 2;
  const int64_t b = x.size(0), channels = x.size(1) + x.size(1) % 2;
  const at::Tensor padded =
      at::zeros({b, x.size(2) + 2 * down, x.size(3) + 2 * across, channels}, x.options().dtype(at::kBFloat16));
  padded.narrow(1, down, x.size(2)).narrow(2, across, x.size(3)).narrow(3, 0, x.size(1)).copy_(x.permute({0, 2, 3, 1}));
  const int64_t row = padded.stride(1);
  const int64_t rows = (padded.size(1) - height) / stride + 1, columns = (padded.size(2) - width) / stride + 1;
  const at::Tensor windows = padded.as_strided({b, rows, columns, height, width * channels},
                                               {padded.stride(0), stride * row, stride * channels, row, 1});
  const at::Tensor y = height == 1 ? HeldLinear(windows.squeeze(3).squeeze(1), name, at::kFloat)
                                   : HeldLinear(windows.reshape({b, rows * columns, -1}), name, at::kFloat);
  return y.view({b, rows, columns, -1}).permute({0, 3, 1, 2});
}

// Tokens are [b, 16, width].
TrunkNet::Stemmed TrunkNet::PlaneStem(const at::Tensor& planes, absl::string_view name) const {
  const auto step = [&](const at::Tensor& x, const std::string& layer, int stride) {
    return at::gelu(
        at::group_norm(Convolve(x, layer, stride), kNormGroups, At(layer + ".norm.gain"), At(layer + ".norm.bias")));
  };
  const at::Tensor maps = Maps(planes);
  const at::Tensor middle = step(step(maps, absl::StrCat(name, ".fine"), 1), absl::StrCat(name, ".middle"), 2);
  const at::Tensor tokens = Convolve(middle, absl::StrCat(name, ".tokens"), 2);
  return {Linear(maps.flatten(1), absl::StrCat(name, ".maps")) + Linear(middle.flatten(1), absl::StrCat(name, ".places")),
          tokens.flatten(2).transpose(1, 2)};
}

// Tokens are [b, frames / 4, width]. Nothing depends on how far a row is padded.
TrunkNet::Stemmed TrunkNet::SoundStem(const at::Tensor& decibels, const std::vector<int64_t>& frames) const {
  const std::string name = kTimelineStem;
  // [b, n, in] -> [b, n / stride, width], 0 where it is padded.
  const auto step = [&](const at::Tensor& x, const char* layer, int stride, int64_t strided) {
    const at::Tensor turned = x.transpose(1, 2).unsqueeze(2);
    const at::Tensor y = Convolve(turned, name + layer, stride).squeeze(2).transpose(1, 2);
    std::vector<int64_t> lengths;
    for (int64_t n : frames) lengths.push_back(StridedLength(n, strided));
    return at::gelu(Norm(y, name + layer + ".norm")) * TimelineMask(lengths, y.size(1)).to(y.device());
  };
  at::Tensor x = NormaliseTimelines(decibels, TimelineMask(frames, decibels.size(1)).to(decibels.device()));
  x = step(step(x, ".first", 2, 2), ".second", 2, kTimelineStride);
  x = x + step(x, ".third", 1, kTimelineStride);
  std::vector<int64_t> lengths;
  for (int64_t n : frames) lengths.push_back(StridedLength(n, kTimelineStride));
  return {Linear(StretchMeans(x, lengths), name + ".stretches"), x};
}

TrunkNet::Stemmed TrunkNet::Stem(const StemInput& input) const {
  const at::Tensor values = input.values.to(parameters[0].device());
  const int64_t b = values.size(0);
  switch (input.kind) {
    case StemKind::kMosaic: return PlaneStem(values, kPictureStem);
    case StemKind::kLogMel: return PlaneStem(values, kSpectrumStem);
    case StemKind::kSound: return SoundStem(values, input.frames);
    case StemKind::kFrames: {  // A frame is one token, its summary; the shot's summary is the first frame's.
      const at::Tensor frames = PlaneStem(values.flatten(0, 1), kPictureStem).summary.view({b, -1, config.width});
      return {frames.select(1, 0), frames};
    }
    default: {
      const std::string name = absl::StrCat("stem", input.slot);
      return {Linear(values.sum(1), name + ".all"), Linear(values, name)};
    }
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

// A layer where halves are held: x, [b, l, width] in float32, in place.
void TrunkNet::ServeLayer(absl::string_view name, absl::Span<const int64_t> tokens, const at::Tensor& x) const {
  const auto norm = [&](absl::string_view which) {
    return NormToHalf(x, At(absl::StrCat(name, which, ".gain")), At(absl::StrCat(name, which, ".bias")));
  };
  const auto product = [&](const at::Tensor& from, absl::string_view which) {
    return HeldLinear(from, absl::StrCat(name, which), at::kBFloat16);
  };
  AddHalf(x, product(AttendHalf(product(norm(".norm1"), ".qkv"), config.heads, tokens), ".mixed"));
  const at::Tensor up = product(norm(".norm2"), ".up");
  GeluHalf(up);
  AddHalf(x, product(up, ".down"));
}

at::Tensor TrunkNet::ForwardGroup(const StemInput& input, at::Tensor* states) const {
  const std::string stem = absl::StrCat("stem", input.slot);
  const Stemmed stemmed = Stem(input);
  at::Tensor x = at::cat({stemmed.summary.unsqueeze(1), stemmed.tokens}, 1);
  x = Norm(x, stem + ".norm") + At(stem + ".modality");
  const int64_t b = x.size(0), l = x.size(1);
  x = x + At(stem + ".position").narrow(0, 0, l);
  at::Tensor mask;
  if (!serves_halves() && std::any_of(input.tokens.begin(), input.tokens.end(), [&](int64_t n) { return n < l; })) {
    mask = at::full({b, 1, 1, l}, -1e9f);
    for (int64_t row = 0; row < b; ++row) std::fill_n(mask.data_ptr<float>() + row * l, input.tokens[row], 0.0f);
    mask = mask.to(x.device());
  }
  for (int layer = 0; layer < config.layers; ++layer) {
    const std::string name = absl::StrCat("layer", layer);
    if (serves_halves()) {
      ServeLayer(name, input.tokens, x);
      continue;
    }
    x = x + Attend(Norm(x, name + ".norm1"), name, mask);
    x = x + Linear(at::gelu(Linear(Norm(x, name + ".norm2"), name + ".up")), name + ".down");
  }
  if (states != nullptr) *states = x;
  x = at::linear(Norm(x.select(1, 0), "norm"), At("output.weight"));
  return x / x.norm(2, {1}, /*keepdim=*/true).clamp_min(1e-12);
}

at::Tensor TrunkNet::Forward(const std::vector<StemInput>& inputs, std::vector<at::Tensor>* states) const {
  std::vector<at::Tensor> rows;
  std::vector<int> order;
  if (states != nullptr) states->resize(inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    const StemInput& input = inputs[i];
    rows.push_back(ForwardGroup(input, states == nullptr ? nullptr : &(*states)[i]));
    order.insert(order.end(), input.parts.begin(), input.parts.end());
  }
  at::Tensor back = at::empty({static_cast<int64_t>(order.size())}, at::kLong);
  for (size_t row = 0; row < order.size(); ++row) back.data_ptr<int64_t>()[order[row]] = static_cast<int64_t>(row);
  const at::Tensor all = rows.size() == 1 ? rows[0] : at::cat(rows, 0);
  return all.index_select(0, back.to(all.device()));
}

}  // namespace mixmatch::model
