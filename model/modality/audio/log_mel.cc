#include "model/modality/audio/log_mel.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <map>
#include <memory>
#include <mutex>

namespace mixmatch::model {
namespace {

constexpr int kFft = 512;
constexpr int kBins = kFft / 2 + 1;
constexpr double kPi = 3.14159265358979323846;

// Radix-2 complex transform of kFft / 2 points; a real signal of kFft goes through it as even and odd halves.
class RealFft {
 public:
  RealFft() {
    constexpr int n = kFft / 2;
    for (int i = 0; i < n; ++i) {
      int r = 0;
      for (int b = 1, j = i; b < n; b <<= 1, j >>= 1) r = (r << 1) | (j & 1);
      reverse_[i] = r;
    }
    for (int i = 0; i < n / 2; ++i) {
      cos_[i] = static_cast<float>(std::cos(-2 * kPi * i / n));
      sin_[i] = static_cast<float>(std::sin(-2 * kPi * i / n));
    }
    for (int i = 0; i < kBins; ++i) {
      split_cos_[i] = static_cast<float>(std::cos(-2 * kPi * i / kFft));
      split_sin_[i] = static_cast<float>(std::sin(-2 * kPi * i / kFft));
    }
  }

  // power[k] = |X_k|^2 for k = 0..256 of the real `in` of 512 samples.
  void Power(const float* in, float* power) const {
    constexpr int n = kFft / 2;
    float re[n], im[n];
    for (int i = 0; i < n; ++i) {
      re[reverse_[i]] = in[2 * i];
      im[reverse_[i]] = in[2 * i + 1];
    }
    for (int half = 1; half < n; half <<= 1) {
      const int step = n / (2 * half);
      for (int start = 0; start < n; start += 2 * half) {
        for (int k = 0; k < half; ++k) {
          const float c = cos_[k * step], s = sin_[k * step];
          const int a = start + k, b = a + half;
          const float xr = re[b] * c - im[b] * s, xi = re[b] * s + im[b] * c;
          re[b] = re[a] - xr;
          im[b] = im[a] - xi;
          re[a] += xr;
          im[a] += xi;
        }
      }
    }
    for (int k = 0; k < kBins; ++k) {
      const int a = k % n, b = (n - k) % n;
      const float er = 0.5f * (re[a] + re[b]), ei = 0.5f * (im[a] - im[b]);
      const float odd_r = 0.5f * (im[a] + im[b]), odd_i = -0.5f * (re[a] - re[b]);
      const float xr = er + odd_r * split_cos_[k] - odd_i * split_sin_[k];
      const float xi = ei + odd_r * split_sin_[k] + odd_i * split_cos_[k];
      power[k] = xr * xr + xi * xi;
    }
  }

 private:
  std::array<int, kFft / 2> reverse_;
  std::array<float, kFft / 4> cos_, sin_;
  std::array<float, kBins> split_cos_, split_sin_;
};

struct MelBank {
  // Each band touches a short run of bins.
  struct Band {
    int first = 0;
    std::vector<float> weights;
  };
  std::vector<Band> bands;
};

double HertzToMel(double hertz) { return 2595.0 * std::log10(1.0 + hertz / 700.0); }
double MelToHertz(double mel) { return 700.0 * (std::pow(10.0, mel / 2595.0) - 1.0); }

MelBank MakeBank(int bands) {
  MelBank bank;
  const double low = HertzToMel(60.0), high = HertzToMel(7800.0);
  const auto edge = [&](int i) { return MelToHertz(low + (high - low) * i / (bands + 1)) * kFft / kAudioRate; };
  for (int b = 0; b < bands; ++b) {
    // At least one bin wide each side, so that the lowest of many bands is not empty.
    const double mid = edge(b + 1), left = std::min(edge(b), mid - 1.0), right = std::max(edge(b + 2), mid + 1.0);
    MelBank::Band band;
    band.first = std::max(0, static_cast<int>(std::ceil(left)));
    for (int k = band.first; k <= right && k < kBins; ++k) {
      band.weights.push_back(static_cast<float>(std::max(0.0, k <= mid ? (k - left) / (mid - left)
                                                                      : (right - k) / (right - mid))));
    }
    bank.bands.push_back(std::move(band));
  }
  return bank;
}

const MelBank& BankOf(int bands) {
  static std::mutex mutex;
  static auto* banks = new std::map<int, std::unique_ptr<MelBank>>();
  std::lock_guard<std::mutex> lock(mutex);
  std::unique_ptr<MelBank>& bank = (*banks)[bands];
  if (!bank) bank = std::make_unique<MelBank>(MakeBank(bands));
  return *bank;
}

const std::array<float, kMelWindow>& Hann() {
  static const auto* window = [] {
    auto* w = new std::array<float, kMelWindow>();
    for (int i = 0; i < kMelWindow; ++i) (*w)[i] = static_cast<float>(0.5 - 0.5 * std::cos(2 * kPi * i / kMelWindow));
    return w;
  }();
  return *window;
}

}  // namespace

MelEnergies ComputeMel(absl::Span<const float> pcm, int bands) {
  static const RealFft* fft = new RealFft();
  bands = std::clamp(bands, 1, 128);
  const MelBank& bank = BankOf(bands);
  const auto& window = Hann();
  const int64_t samples = static_cast<int64_t>(pcm.size());
  MelEnergies mel;
  mel.bands = bands;
  mel.frames = samples <= kMelWindow ? 1 : static_cast<int>(1 + (samples - kMelWindow) / kMelHop);
  mel.energy.resize(static_cast<size_t>(mel.frames) * bands);
  float frame[kFft];
  float power[kBins];
  for (int t = 0; t < mel.frames; ++t) {
    const int64_t begin = static_cast<int64_t>(t) * kMelHop;
    for (int i = 0; i < kFft; ++i) {
      const float x = i < kMelWindow && begin + i < samples ? pcm[begin + i] : 0.0f;
      frame[i] = i < kMelWindow && std::isfinite(x) ? std::clamp(x, -1e4f, 1e4f) * window[i] : 0.0f;
    }
    fft->Power(frame, power);
    float* out = mel.row(t);
    for (int b = 0; b < bands; ++b) {
      const MelBank::Band& band = bank.bands[b];
      float sum = 0.0f;
      for (size_t k = 0; k < band.weights.size(); ++k) sum += band.weights[k] * power[band.first + k];
      out[b] = sum;
    }
  }
  return mel;
}

}  // namespace mixmatch::model
