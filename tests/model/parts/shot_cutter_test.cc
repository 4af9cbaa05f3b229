#include "model/parts/shot_cutter.h"

#include <algorithm>
#include <cmath>
#include <iostream>
#include <random>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mixmatch::model {
namespace {

constexpr int kWidth = 64, kHeight = 36;

// A scene: soft blobs of a few colours that drift, some noise, and a light that flickers a little.
class Scene {
 public:
  explicit Scene(uint32_t seed) : random_(seed) {
    const auto unit = [&] { return random_() / 4294967296.0; };
    for (double& c : base_) c = 40 + 150 * unit();
    speed_ = unit() < 0.3 ? 12.0 * unit() : 3.0 * unit();
    for (Blob& blob : blobs_) {
      blob = {kWidth * unit(), kHeight * unit(), 4 + 10 * unit(), unit() - 0.5, unit() - 0.5, {}};
      for (double& c : blob.color) c = 255 * unit() - 127;
    }
  }

  std::vector<double> At(double seconds) {
    std::vector<double> pixels(kWidth * kHeight * 3);
    for (int y = 0; y < kHeight; ++y) {
      for (int x = 0; x < kWidth; ++x) {
        double* pixel = &pixels[3 * (y * kWidth + x)];
        const double noise = static_cast<double>(random_() % 13) - 6.0;
        for (int c = 0; c < 3; ++c) pixel[c] = base_[c] + noise + 3.0 * std::sin(9.0 * seconds);
        for (const Blob& blob : blobs_) {
          const double dx = x - blob.x - speed_ * blob.dx * seconds, dy = y - blob.y - speed_ * blob.dy * seconds;
          const double weight = std::exp(-(dx * dx + dy * dy) / (2 * blob.size * blob.size));
          for (int c = 0; c < 3; ++c) pixel[c] += weight * blob.color[c];
        }
      }
    }
    return pixels;
  }

 private:
  struct Blob {
    double x, y, size, dx, dy;
    double color[3];
  };
  std::mt19937 random_;
  double base_[3];
  double speed_;
  Blob blobs_[6];
};

DecodedImage Picture(const std::vector<double>& pixels) {
  DecodedImage image{kWidth, kHeight, std::vector<uint8_t>(pixels.size())};
  for (size_t i = 0; i < pixels.size(); ++i) image.rgb[i] = static_cast<uint8_t>(std::clamp(pixels[i], 0.0, 255.0));
  return image;
}

enum class Kind { kHard, kDissolve, kFade };

struct Truth {
  double seconds;
  Kind kind;
};

// Shots of 1.5 to 9 s, joined by hard cuts, dissolves and fades through black of 0.5 to 1.2 s; now and then a flash.
struct Film {
  std::vector<DecodedFrame> frames;
  std::vector<Truth> truth;
};

Film MakeFilm(uint32_t seed, double rate, double seconds) {
  std::mt19937 random(seed);
  const auto unit = [&] { return random() / 4294967296.0; };
  Film film;
  std::vector<Scene> scenes;
  std::vector<double> ends, lengths;
  std::vector<Kind> kinds;
  for (double at = 0.0; at < seconds; at = ends.back()) {
    scenes.emplace_back(random());
    ends.push_back(at + 2.5 + 6.5 * unit());
    const double kind = unit();
    kinds.push_back(kind < 0.6 ? Kind::kHard : kind < 0.8 ? Kind::kDissolve : Kind::kFade);
    lengths.push_back(kinds.back() == Kind::kHard ? 0.0 : 0.5 + 0.7 * unit());
    if (ends.back() < seconds) film.truth.push_back({ends.back(), kinds.back()});
  }
  size_t shot = 0;
  for (int f = 0; f / rate < seconds; ++f) {
    const double at = f / rate;
    while (shot + 1 < ends.size() && at >= ends[shot] + lengths[shot] / 2) ++shot;
    std::vector<double> pixels = scenes[shot].At(at);
    // `share` of the way through a change to the next, or from the one before.
    const auto mix = [&](size_t change, size_t other, bool before) {
      const double share = (at - ends[change]) / lengths[change] + 0.5;
      const std::vector<double> beside = scenes[other].At(at);
      for (size_t i = 0; i < pixels.size(); ++i) {
        if (kinds[change] == Kind::kDissolve) {
          pixels[i] = before ? pixels[i] * (1 - share) + beside[i] * share : pixels[i] * share + beside[i] * (1 - share);
        } else {
          pixels[i] = (share < 0.5 ? (before ? pixels[i] : beside[i]) : (before ? beside[i] : pixels[i])) *
                      std::abs(2 * share - 1);
        }
      }
    };
    const bool last = shot + 1 == ends.size();
    if (!last && lengths[shot] > 0 && at > ends[shot] - lengths[shot] / 2) mix(shot, shot + 1, true);
    if (unit() < 0.004) {
      for (double& pixel : pixels) pixel += 120;
    }
    film.frames.push_back({at, Picture(pixels)});
  }
  return film;
}

struct Score {
  int found = 0, missed = 0, wrong = 0;
  double precision() const { return static_cast<double>(found) / std::max(found + wrong, 1); }
  double recall() const { return static_cast<double>(found) / std::max(found + missed, 1); }
};

// Within `slack` seconds; cuts that only bound a shot's length are neither right nor wrong.
Score Judge(const Film& film, double slack, bool hard_only, bool gradual_only) {
  ShotCutter cutter;
  std::vector<double> cuts;
  bool begins = false;
  size_t told = 0;
  double began = 0.0;
  const auto take = [&] {
    while (cutter.Next(&begins)) {
      const double at = film.frames[told++].seconds;
      if (begins && told > 1 && at - began < ShotCutter::kMostSeconds) cuts.push_back(at);
      if (begins) began = at;
    }
  };
  for (const DecodedFrame& frame : film.frames) {
    cutter.Add(frame.image, frame.seconds);
    take();
  }
  cutter.Finish();
  take();
  EXPECT_EQ(told, film.frames.size());
  Score score;
  std::vector<bool> used(cuts.size(), false);
  for (const Truth& truth : film.truth) {
    const bool counts = truth.kind == Kind::kHard ? !gradual_only : !hard_only;
    bool found = false;
    for (size_t c = 0; c < cuts.size() && !found; ++c) {
      if (used[c] || std::abs(cuts[c] - truth.seconds) > slack) continue;
      found = used[c] = true;
    }
    if (counts) ++(found ? score.found : score.missed);
  }
  score.wrong = std::count(used.begin(), used.end(), false);
  return score;
}

class ShotsAtRate : public testing::TestWithParam<double> {};

TEST_P(ShotsAtRate, HardCutsAreFoundAndLittleElseIs) {
  const double rate = GetParam();
  Score sum, hard, gradual;
  for (uint32_t seed : {1, 2, 3}) {
    const Film film = MakeFilm(seed, rate, 240.0);
    const auto add = [](const Score& one, Score& all) {
      all.found += one.found;
      all.missed += one.missed;
      all.wrong += one.wrong;
    };
    add(Judge(film, 0.6, false, false), sum);
    add(Judge(film, 0.6, true, false), hard);
    add(Judge(film, 0.6, false, true), gradual);
  }
  std::cout << "at " << rate << " frames/s: precision " << sum.precision() << ", recall " << sum.recall() << ", of hard cuts "
            << hard.recall() << ", of gradual ones " << gradual.recall() << "\n";
  EXPECT_GT(sum.precision(), 0.8);
  EXPECT_GT(hard.recall(), 0.95);
  EXPECT_GT(gradual.recall(), 0.65);
}

INSTANTIATE_TEST_SUITE_P(Rates, ShotsAtRate, testing::Values(16.0, 12.0, 4.0));

TEST(ShotCutterTest, DecisionsDoNotDependOnWhenTheyAreAskedFor) {
  const Film film = MakeFilm(7, 16.0, 60.0);
  ShotCutter early, late;
  std::vector<bool> first, second;
  bool begins = false;
  for (const DecodedFrame& frame : film.frames) {
    early.Add(frame.image, frame.seconds);
    while (early.Next(&begins)) first.push_back(begins);
    late.Add(frame.image, frame.seconds);
  }
  early.Finish();
  late.Finish();
  while (early.Next(&begins)) first.push_back(begins);
  while (late.Next(&begins)) second.push_back(begins);
  EXPECT_EQ(first, second);
}

TEST(ShotCutterTest, AStillPictureIsCutByLengthAlone) {
  ShotCutter cutter;
  const DecodedImage grey{16, 16, std::vector<uint8_t>(16 * 16 * 3, 90)};
  for (int f = 0; f < 30 * 4; ++f) cutter.Add(grey, f / 4.0);
  cutter.Finish();
  std::vector<double> starts;
  bool begins = false;
  for (int f = 0; cutter.Next(&begins); ++f) {
    if (begins) starts.push_back(f / 4.0);
  }
  EXPECT_THAT(starts, testing::ElementsAre(0.0, 12.0, 24.0));
}

TEST(ShotCutterTest, AFlashIsNoCut) {
  ShotCutter cutter;
  for (int f = 0; f < 64; ++f) {
    cutter.Add({16, 16, std::vector<uint8_t>(16 * 16 * 3, f == 30 ? 255 : 60)}, f / 16.0);
  }
  cutter.Finish();
  int starts = 0;
  for (bool begins = false; cutter.Next(&begins);) starts += begins;
  EXPECT_EQ(starts, 1);
}

}  // namespace
}  // namespace mixmatch::model
