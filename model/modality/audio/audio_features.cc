#include "model/modality/audio/audio_features.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "model/modality/audio/log_mel.h"
#include "model/modality/feature_math.h"

namespace mixmatch::model {
namespace {

constexpr int kBands = 40;
constexpr int kCepstra = 13;

// A log-compressed mel picture, its noise floor taken off, cut to where something sounds.
struct Picture {
  int frames = 0;
  std::vector<float> value;  // [frames, kBands], about 0 (floor) to 3 (loudest).
  const float* row(int t) const { return value.data() + static_cast<size_t>(t) * kBands; }
};

Picture MakePicture(absl::Span<const float> pcm) {
  MelEnergies mel = ComputeMel(pcm, kBands);
  // Each band's floor is a low quantile over time; a steady sound keeps most of itself.
  std::vector<float> column(mel.frames), total(mel.frames, 0.0f);
  for (int b = 0; b < kBands; ++b) {
    for (int t = 0; t < mel.frames; ++t) column[t] = mel.row(t)[b];
    const float floor = std::min(Quantile(column, 0.1f), 0.1f * Quantile(column, 0.95f));
    for (int t = 0; t < mel.frames; ++t) mel.row(t)[b] = std::max(0.0f, mel.row(t)[b] - floor);
  }
  for (int t = 0; t < mel.frames; ++t) {
    for (int b = 0; b < kBands; ++b) total[t] += mel.row(t)[b];
  }
  const float reference = Quantile(total, 0.95f) * 0.7f + *std::max_element(total.begin(), total.end()) * 0.3f;
  Picture picture;
  if (!(reference > 1e-9f)) return picture;
  // Where it sounds: within 20 dB of the reference, over a 50 ms mean.
  int first = mel.frames, last = -1;
  for (int t = 0; t < mel.frames; ++t) {
    float mean = 0.0f;
    int n = 0;
    for (int s = std::max(0, t - 2); s <= std::min(mel.frames - 1, t + 2); ++s, ++n) mean += total[s];
    if (mean / n > 0.01f * reference) {
      first = std::min(first, t);
      last = t;
    }
  }
  if (last < first) return picture;
  picture.frames = last - first + 1;
  picture.value.resize(static_cast<size_t>(picture.frames) * kBands);
  for (int t = 0; t < picture.frames; ++t) {
    for (int b = 0; b < kBands; ++b) {
      picture.value[static_cast<size_t>(t) * kBands + b] =
          std::log10(1.0f + 1000.0f * mel.row(first + t)[b] / reference);
    }
  }
  return picture;
}

// Cosine basis, orthonormal: [count][length].
std::vector<float> CosineBasis(int count, int length) {
  std::vector<float> basis(static_cast<size_t>(count) * length);
  for (int k = 0; k < count; ++k) {
    const double scale = std::sqrt((k == 0 ? 1.0 : 2.0) / length);
    for (int i = 0; i < length; ++i) {
      basis[static_cast<size_t>(k) * length + i] =
          static_cast<float>(scale * std::cos(3.14159265358979 * k * (i + 0.5) / length));
    }
  }
  return basis;
}

// Looks through windows of one length: each is a two-dimensional cosine transform, roughly whitened, put through random
// units; the mean over windows does not depend on where in the sound they are.
class LocalUnits {
 public:
  LocalUnits(int window, int time_terms, int units, uint64_t seed)
      : window_(window),
        terms_(time_terms),
        time_basis_(CosineBasis(time_terms, window)),
        units_(kCepstra * time_terms, units, 1.0f, -1.8f, 0.4f, seed) {}

  // [frames, kCepstra] in; units() means out.
  std::vector<float> Mean(const std::vector<float>& cepstra, int frames) const {
    std::vector<float> sum(units_.units(), 0.0f);
    std::vector<float> code(units_.in_dim());
    int windows = 0;
    for (int start = 0; start == 0 || start + window_ <= frames; start += 2, ++windows) {
      double energy = 0.0;
      for (int c = 0; c < kCepstra; ++c) {
        for (int k = 0; k < terms_; ++k) {
          float v = 0.0f;
          for (int i = 0; i < window_ && start + i < frames; ++i) {
            v += time_basis_[k * window_ + i] * cepstra[static_cast<size_t>(start + i) * kCepstra + c];
          }
          v *= (1.0f + 0.5f * c) * (1.0f + 0.7f * k) * (c == 0 && k == 0 ? 0.3f : 1.0f);
          code[c * terms_ + k] = v;
          energy += v * v;
        }
      }
      const float scale = std::sqrt(static_cast<float>(code.size())) / static_cast<float>(std::sqrt(energy + 1.0));
      for (float& v : code) v *= scale;
      units_.Accumulate(code.data(), sum.data());
    }
    for (float& v : sum) v /= windows;
    return sum;
  }

 private:
  int window_;
  int terms_;
  std::vector<float> time_basis_;
  RandomUnits units_;
};

struct Layers {
  std::vector<float> cepstral_basis = CosineBasis(kCepstra, kBands);
  LocalUnits short_units{10, 3, 256, 11};
  LocalUnits middle_units{26, 6, 576, 12};
  LocalUnits long_units{50, 7, 576, 13};
};

const Layers& GetLayers() {
  static const Layers* layers = new Layers();
  return *layers;
}

void CentreByMean(std::vector<float>& values) {
  float mean = 0.0f;
  for (float v : values) mean += v;
  mean /= values.size();
  for (float& v : values) v -= mean;
}

}  // namespace

std::vector<float> AudioFeatures(absl::Span<const float> pcm) {
  std::vector<float> out;
  out.reserve(kAudioFeatures);
  const Picture picture = MakePicture(pcm);
  if (picture.frames == 0) {
    out.resize(kAudioFeatures, 0.0f);
    return out;
  }
  const int frames = picture.frames;
  const Layers& layers = GetLayers();

  // What it sounds like overall: mean, spread and change of every band.
  std::vector<float> mean(kBands, 0.0f), spread(kBands, 0.0f), change(kBands, 0.0f);
  for (int t = 0; t < frames; ++t) {
    for (int b = 0; b < kBands; ++b) {
      const float v = picture.row(t)[b];
      mean[b] += v / frames;
      spread[b] += v * v / frames;
      if (t >= 2) change[b] += std::fabs(v - picture.row(t - 2)[b]) / frames;
    }
  }
  for (int b = 0; b < kBands; ++b) spread[b] = std::sqrt(std::max(0.0f, spread[b] - mean[b] * mean[b]));
  CentreByMean(mean);
  AppendBlock(mean, 1.0f, 0.6f, out);
  AppendBlock(spread, 1.0f, 0.4f, out);
  AppendBlock(change, 1.0f, 0.4f, out);

  // What is heard anywhere: random units over short, middle and long windows.
  std::vector<float> cepstra(static_cast<size_t>(frames) * kCepstra);
  for (int t = 0; t < frames; ++t) {
    for (int c = 0; c < kCepstra; ++c) {
      float v = 0.0f;
      for (int b = 0; b < kBands; ++b) v += layers.cepstral_basis[c * kBands + b] * picture.row(t)[b];
      cepstra[static_cast<size_t>(t) * kCepstra + c] = v;
    }
  }
  AppendBlock(layers.short_units.Mean(cepstra, frames), 0.5f, 0.8f, out);
  AppendBlock(layers.middle_units.Mean(cepstra, frames), 0.5f, 1.0f, out);
  AppendBlock(layers.long_units.Mean(cepstra, frames), 0.5f, 1.0f, out);
  // Length, on a logarithmic scale, as a soft code.
  const float octave = std::log2(frames / 25.0f);
  std::vector<float> length(8);
  for (int i = 0; i < 8; ++i) length[i] = std::exp(-0.5f * (octave - (i - 2)) * (octave - (i - 2)));
  AppendBlock(length, 1.0f, 0.2f, out);
  out.resize(kAudioFeatures, 0.0f);
  return out;
}

}  // namespace mixmatch::model
