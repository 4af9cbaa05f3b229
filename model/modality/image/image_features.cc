#include "model/modality/image/image_features.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "model/modality/feature_math.h"

namespace mixmatch::model {
namespace {

constexpr int kSide = 64;
constexpr int kOrientations = 8;
constexpr int kFilterSide = 6;
constexpr int kFilters = 96;

// One axis of an area-average or linear resize: for each target, a run of source weights that sum to 1.
struct AxisWeights {
  std::vector<int> first;
  std::vector<std::vector<float>> weights;
};

AxisWeights MakeAxis(int from, int to) {
  AxisWeights axis;
  const float scale = static_cast<float>(from) / to;
  // A triangle this wide: antialiased when shrinking, linear when enlarging.
  const float radius = std::max(1.0f, scale);
  for (int i = 0; i < to; ++i) {
    const float centre = (i + 0.5f) * scale - 0.5f;
    const int first = std::max(0, static_cast<int>(std::ceil(centre - radius)));
    const int last = std::min(from - 1, static_cast<int>(std::floor(centre + radius)));
    std::vector<float> weights;
    float sum = 0.0f;
    for (int j = first; j <= last; ++j) {
      weights.push_back(std::max(1e-4f, 1.0f - std::fabs(j - centre) / radius));
      sum += weights.back();
    }
    for (float& w : weights) w /= sum;
    axis.first.push_back(first);
    axis.weights.push_back(std::move(weights));
  }
  return axis;
}

// Adds `weight` to the grid cells around (x, y) in cell units, shared bilinearly; outside the grid is dropped.
void AddBilinear(float* grid, int cells, int depth, int channel, float x, float y, float weight) {
  const float fx = x - 0.5f, fy = y - 0.5f;
  const int x0 = static_cast<int>(std::floor(fx)), y0 = static_cast<int>(std::floor(fy));
  for (int dy = 0; dy < 2; ++dy) {
    for (int dx = 0; dx < 2; ++dx) {
      const int cx = x0 + dx, cy = y0 + dy;
      if (cx < 0 || cy < 0 || cx >= cells || cy >= cells) continue;
      const float w = (dx ? fx - x0 : 1.0f - (fx - x0)) * (dy ? fy - y0 : 1.0f - (fy - y0));
      grid[(cy * cells + cx) * depth + channel] += weight * w;
    }
  }
}

// Histogram of gradient directions over cells x cells of a square picture [side, side, 3] (Dalal & Triggs 2005, each
// pixel's strongest colour channel).
std::vector<float> Gradients(const std::vector<float>& image, int side, int cells) {
  std::vector<float> grid(static_cast<size_t>(cells) * cells * kOrientations, 0.0f);
  const auto at = [&](int x, int y, int c) {
    x = std::clamp(x, 0, side - 1);
    y = std::clamp(y, 0, side - 1);
    return image[(static_cast<size_t>(y) * side + x) * 3 + c];
  };
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      float best = 0.0f, gx = 0.0f, gy = 0.0f;
      for (int c = 0; c < 3; ++c) {
        const float dx = at(x + 1, y, c) - at(x - 1, y, c), dy = at(x, y + 1, c) - at(x, y - 1, c);
        if (dx * dx + dy * dy > best) {
          best = dx * dx + dy * dy;
          gx = dx;
          gy = dy;
        }
      }
      if (best < 1e-4f) continue;
      float angle = std::atan2(gy, gx) / 3.14159265f;  // Direction without sign: [0, 1) turns of pi.
      if (angle < 0.0f) angle += 1.0f;
      const float bin = angle * kOrientations;
      const int b0 = static_cast<int>(bin) % kOrientations;
      const float part = bin - std::floor(bin), magnitude = std::sqrt(best);
      const float cx = (x + 0.5f) * cells / side, cy = (y + 0.5f) * cells / side;
      AddBilinear(grid.data(), cells, kOrientations, b0, cx, cy, magnitude * (1.0f - part));
      AddBilinear(grid.data(), cells, kOrientations, (b0 + 1) % kOrientations, cx, cy, magnitude * part);
    }
  }
  return grid;
}

std::vector<float> Halve(const std::vector<float>& image, int side) {
  const int half = side / 2;
  std::vector<float> out(static_cast<size_t>(half) * half * 3);
  for (int y = 0; y < half; ++y) {
    for (int x = 0; x < half; ++x) {
      for (int c = 0; c < 3; ++c) {
        const auto at = [&](int i, int j) { return image[(static_cast<size_t>(j) * side + i) * 3 + c]; };
        out[(static_cast<size_t>(y) * half + x) * 3 + c] =
            0.25f * (at(2 * x, 2 * y) + at(2 * x + 1, 2 * y) + at(2 * x, 2 * y + 1) + at(2 * x + 1, 2 * y + 1));
      }
    }
  }
  return out;
}

// Mean opponent colours on a 4 x 4 grid (48), and spread of brightness there (16).
void ColourPlaces(const std::vector<float>& image, std::vector<float>& means, std::vector<float>& spreads) {
  constexpr int cells = 4;
  std::vector<float> sum(cells * cells * 4, 0.0f), weight(cells * cells, 0.0f);
  for (int y = 0; y < kSide; ++y) {
    for (int x = 0; x < kSide; ++x) {
      const float* p = &image[(static_cast<size_t>(y) * kSide + x) * 3];
      const float luma = (p[0] + p[1] + p[2]) / 3.0f;
      const float cx = (x + 0.5f) * cells / kSide, cy = (y + 0.5f) * cells / kSide;
      AddBilinear(sum.data(), cells, 4, 0, cx, cy, luma);
      AddBilinear(sum.data(), cells, 4, 1, cx, cy, p[0] - p[1]);
      AddBilinear(sum.data(), cells, 4, 2, cx, cy, 0.5f * (p[0] + p[1]) - p[2]);
      AddBilinear(sum.data(), cells, 4, 3, cx, cy, luma * luma);
      AddBilinear(weight.data(), cells, 1, 0, cx, cy, 1.0f);
    }
  }
  for (int i = 0; i < cells * cells; ++i) {
    const float w = std::max(1e-3f, weight[i]);
    const float luma = sum[i * 4] / w;
    means.push_back(luma - 0.5f);
    means.push_back(2.0f * sum[i * 4 + 1] / w);
    means.push_back(2.0f * sum[i * 4 + 2] / w);
    spreads.push_back(std::sqrt(std::max(0.0f, sum[i * 4 + 3] / w - luma * luma)));
  }
}

// Soft 4 x 4 x 4 colour histograms: of the whole and of its middle (64 + 64).
void ColourHistograms(const std::vector<float>& image, std::vector<float>& whole, std::vector<float>& middle) {
  whole.assign(64, 0.0f);
  middle.assign(64, 0.0f);
  for (int y = 0; y < kSide; ++y) {
    for (int x = 0; x < kSide; ++x) {
      const float* p = &image[(static_cast<size_t>(y) * kSide + x) * 3];
      int low[3];
      float part[3];
      for (int c = 0; c < 3; ++c) {
        const float v = std::clamp(p[c], 0.0f, 1.0f) * 3.0f;
        low[c] = std::min(2, static_cast<int>(v));
        part[c] = v - low[c];
      }
      const float dx = (x + 0.5f) / kSide - 0.5f, dy = (y + 0.5f) / kSide - 0.5f;
      const float centre = std::exp(-(dx * dx + dy * dy) / 0.08f);
      for (int corner = 0; corner < 8; ++corner) {
        float w = 1.0f;
        int bin = 0;
        for (int c = 0; c < 3; ++c) {
          const int up = (corner >> c) & 1;
          w *= up ? part[c] : 1.0f - part[c];
          bin = bin * 4 + low[c] + up;
        }
        whole[bin] += w;
        middle[bin] += w * centre;
      }
    }
  }
}

// Random smooth filters over small patches, mean taken off and contrast evened, rectified, averaged over the whole and
// its quarters (after Coates, Lee & Ng 2011, without learning): [5, kFilters].
std::vector<float> LocalFilters(const std::vector<float>& image) {
  static const RandomUnits* units = new RandomUnits(kFilterSide * kFilterSide * 3, kFilters, 1.6f, -2.8f, 0.5f, 21);
  std::vector<float> out(5 * kFilters, 0.0f), patch(units->in_dim());
  std::array<int, 5> count{};
  constexpr int steps = (kSide - kFilterSide) / 2 + 1;
  std::vector<float> answer(kFilters);
  for (int py = 0; py < steps; ++py) {
    for (int px = 0; px < steps; ++px) {
      std::array<float, 3> mean{};
      float* p = patch.data();
      for (int y = 0; y < kFilterSide; ++y) {
        const float* row = &image[(static_cast<size_t>(2 * py + y) * kSide + 2 * px) * 3];
        for (int i = 0; i < kFilterSide * 3; ++i) *p++ = row[i];
      }
      for (size_t i = 0; i < patch.size(); ++i) mean[i % 3] += patch[i];
      const float grey = (mean[0] + mean[1] + mean[2]) / patch.size();
      float energy = 0.0f;
      for (float& v : patch) {
        v -= grey;
        energy += v * v;
      }
      const int quarter = 1 + (py >= steps / 2) * 2 + (px >= steps / 2);
      ++count[0];
      ++count[quarter];
      if (energy < 0.02f) continue;  // Flat: nothing to see, and noise would be blown up.
      const float scale = std::sqrt(static_cast<float>(patch.size()) / (energy + 0.2f));
      for (float& v : patch) v *= scale;
      std::fill(answer.begin(), answer.end(), 0.0f);
      units->Accumulate(patch.data(), answer.data());
      Axpy(1.0f, answer.data(), out.data(), kFilters);
      Axpy(1.0f, answer.data(), out.data() + quarter * kFilters, kFilters);
    }
  }
  for (int q = 0; q < 5; ++q) {
    for (int u = 0; u < kFilters; ++u) out[q * kFilters + u] /= std::max(1, count[q]);
  }
  return out;
}

}  // namespace

std::vector<float> ResizeRgb(const RgbView& image, int width, int height) {
  const AxisWeights across = MakeAxis(image.width, width), down = MakeAxis(image.height, height);
  std::vector<float> rows(static_cast<size_t>(image.height) * width * 3);
  for (int y = 0; y < image.height; ++y) {
    const uint8_t* line = image.rgb.data() + static_cast<size_t>(y) * image.width * 3;
    for (int x = 0; x < width; ++x) {
      float sum[3] = {0, 0, 0};
      const std::vector<float>& w = across.weights[x];
      const uint8_t* p = line + across.first[x] * 3;
      for (size_t k = 0; k < w.size(); ++k) {
        for (int c = 0; c < 3; ++c) sum[c] += w[k] * p[k * 3 + c];
      }
      for (int c = 0; c < 3; ++c) rows[(static_cast<size_t>(y) * width + x) * 3 + c] = sum[c] / 255.0f;
    }
  }
  std::vector<float> out(static_cast<size_t>(width) * height * 3, 0.0f);
  for (int y = 0; y < height; ++y) {
    const std::vector<float>& w = down.weights[y];
    for (size_t k = 0; k < w.size(); ++k) {
      Axpy(w[k], &rows[static_cast<size_t>(down.first[y] + k) * width * 3], &out[static_cast<size_t>(y) * width * 3],
           width * 3);
    }
  }
  return out;
}

std::vector<float> ImageBaseFeatures(const RgbView& image) {
  const std::vector<float> full = ResizeRgb(image, kSide, kSide);
  const std::vector<float> half = Halve(full, kSide);
  const std::vector<float> quarter = Halve(half, kSide / 2);
  std::vector<float> out;
  out.reserve(kImageFeatures);
  AppendBlock(Gradients(full, kSide, 6), 0.5f, 0.8f, out);          // 288
  AppendBlock(Gradients(half, kSide / 2, 4), 0.5f, 0.8f, out);      // 128
  AppendBlock(Gradients(quarter, kSide / 4, 3), 0.5f, 0.8f, out);   // 72
  std::vector<float> means, spreads, whole, middle;
  ColourPlaces(full, means, spreads);
  AppendBlock(means, 1.0f, 0.6f, out);    // 48
  AppendBlock(spreads, 1.0f, 0.4f, out);  // 16
  ColourHistograms(full, whole, middle);
  AppendBlock(whole, 0.5f, 0.6f, out);   // 64
  AppendBlock(middle, 0.5f, 0.6f, out);  // 64
  const std::vector<float> local = LocalFilters(full);
  AppendBlock(absl::MakeConstSpan(local).subspan(0, kFilters), 0.5f, 0.8f, out);  // 96
  AppendBlock(absl::MakeConstSpan(local).subspan(kFilters), 0.5f, 0.8f, out);     // 384
  out.resize(kImageBaseFeatures, 0.0f);
  return out;
}

std::vector<float> ImageFeatures(const RgbView& image) {
  static const RandomUnits* units =
      new RandomUnits(kImageBaseFeatures, kImageFeatures - kImageBaseFeatures, 16.0f, -0.3f, 0.3f, 22);
  std::vector<float> out = ImageBaseFeatures(image);
  std::vector<float> answer(units->units(), 0.0f);
  units->Accumulate(out.data(), answer.data());
  AppendBlock(answer, 1.0f, 1.0f, out);
  return out;
}

}  // namespace mixmatch::model
