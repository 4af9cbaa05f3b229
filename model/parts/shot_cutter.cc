#include "model/parts/shot_cutter.h"

#include <algorithm>
#include <cmath>

namespace mixmatch::model {
namespace {

constexpr double kSide = 0.75;      // Seconds on either side of a gradual change.
constexpr double kAhead = 3 * kSide + 0.1;  // What a decision needs of the future, and keeps of the past.
constexpr int kNear = 16;           // Frames on either side that say what is usual.
constexpr size_t kMostAhead = 1000;  // Frames; only a clock that stands still brings so many.
constexpr double kHardLeast = 0.08;
constexpr double kHardTimes = 3.0;
constexpr double kGradualLeast = 0.12;
constexpr double kGradualTimes = 2.0;
constexpr int kColumns = 16, kRows = 9, kBins = 8;

}  // namespace

ShotCutter::Look ShotCutter::LookAt(const DecodedImage& image, double seconds) {
  Look look;
  look.seconds = seconds;
  look.grid.fill(0.0f);
  look.histogram.fill(0.0f);
  const size_t width = image.width, height = image.height;
  if (width == 0 || height == 0) return look;
  std::array<int, kColumns * kRows> counts = {};
  // Histogram weights are shared by the two bins nearest to a colour, so that a slow change is a small one.
  std::array<std::array<int, 256>, 3> levels = {};
  for (size_t y = 0; y < height; ++y) {
    const uint8_t* pixel = image.rgb.data() + 3 * width * y;
    const size_t row = y * kRows / height * kColumns;
    for (size_t x = 0; x < width; ++x, pixel += 3) {
      const size_t field = row + x * kColumns / width;
      ++counts[field];
      for (int c = 0; c < 3; ++c) {
        look.grid[3 * field + c] += pixel[c];
        ++levels[c][pixel[c]];
      }
    }
  }
  for (size_t f = 0; f < counts.size(); ++f) {
    for (int c = 0; c < 3; ++c) look.grid[3 * f + c] /= std::max(counts[f], 1) * 255.0f;
  }
  const float share = 1.0f / (3.0f * width * height);
  for (int c = 0; c < 3; ++c) {
    for (int level = 0; level < 256; ++level) {
      const float place = level / 255.0f * (kBins - 1);
      const int bin = std::min(static_cast<int>(place), kBins - 2);
      look.histogram[c * kBins + bin] += levels[c][level] * share * (bin + 1 - place);
      look.histogram[c * kBins + bin + 1] += levels[c][level] * share * (place - bin);
    }
  }
  return look;
}

// 0 to 1.
double ShotCutter::Difference(const Look& a, const Look& b) {
  double grid = 0.0, histogram = 0.0;
  for (size_t i = 0; i < a.grid.size(); ++i) grid += std::abs(a.grid[i] - b.grid[i]);
  for (size_t i = 0; i < a.histogram.size(); ++i) histogram += std::abs(a.histogram[i] - b.histogram[i]);
  return 0.5 * grid / a.grid.size() + 0.25 * histogram;
}

void ShotCutter::Add(const DecodedImage& image, double seconds) {
  looks_.push_back(LookAt(image, seconds));
  if (looks_.size() > 1) looks_.back().step = Difference(looks_[looks_.size() - 2], looks_.back());
}

bool ShotCutter::Next(bool* begins) {
  if (next_ >= looks_.size()) return false;
  const double seconds = looks_[next_].seconds;
  // Exactly what a decision looks at, so that it is the same whenever it is made.
  const bool seen = looks_.back().seconds >= seconds + kAhead && looks_.size() > AtOrBefore(seconds + kSide) + kNear + 2;
  if (!finished_ && !seen && looks_.size() < next_ + kMostAhead) return false;
  const double length = seconds - shot_began_;
  *begins = !any_ || length >= kMostSeconds || (length >= kLeastSeconds && (IsHardCut(next_) || IsGradual(next_)));
  if (*begins) shot_began_ = seconds;
  any_ = true;
  ++next_;
  while (looks_.front().seconds < seconds - kAhead && AtOrBefore(seconds - kSide) > kNear + 2) {
    looks_.pop_front();
    --next_;
  }
  return true;
}

bool ShotCutter::IsHardCut(size_t at) const {
  const double step = looks_[at].step;
  if (at == 0 || step < kHardLeast) return false;
  std::vector<double> around;
  for (size_t n = at > kNear ? at - kNear : 1; n < std::min(looks_.size(), at + kNear + 1); ++n) {
    if (n == at) continue;
    // One that is larger and near is the cut; this is what follows it.
    const bool near = std::abs(looks_[n].seconds - looks_[at].seconds) < kLeastSeconds;
    if (near && looks_[n].step > step && Stays(n)) return false;
    around.push_back(looks_[n].step);
  }
  if (!around.empty()) {
    // Two thirds of the way up: a half still does not hide that the other half moves.
    const auto usual = around.begin() + around.size() * 2 / 3;
    std::nth_element(around.begin(), usual, around.end());
    if (step < kHardTimes * *usual) return false;
  }
  return Stays(at);
}

// Whether what changed with frame `at` is still so two frames later.
bool ShotCutter::Stays(size_t at) const {
  const Look& before = looks_[at >= 2 ? at - 2 : 0];
  const Look& after = looks_[std::min(at + 2, looks_.size() - 1)];
  return Difference(before, after) > 0.5 * looks_[at].step;
}

size_t ShotCutter::AtOrBefore(double seconds) const {
  const auto later = std::upper_bound(looks_.begin(), looks_.end(), seconds,
                                      [](double wanted, const Look& look) { return wanted < look.seconds; });
  return later == looks_.begin() ? 0 : later - looks_.begin() - 1;
}

// How much changes from kSide seconds before to as long after.
double ShotCutter::Across(size_t at) const {
  const double seconds = looks_[at].seconds;
  const size_t before = AtOrBefore(seconds - kSide), after = AtOrBefore(seconds + kSide);
  // The least of four, so that a single frame that is unlike the rest does not count.
  double least = 1.0;
  for (size_t b : {before, before > 0 ? before - 1 : before}) {
    for (size_t a : {after, std::min(after + 1, looks_.size() - 1)}) {
      least = std::min(least, Difference(looks_[b], looks_[a]));
    }
  }
  return least;
}

bool ShotCutter::IsGradual(size_t at) const {
  const double seconds = looks_[at].seconds;
  const size_t first = AtOrBefore(seconds - kSide), last = AtOrBefore(seconds + kSide);
  const double across = Across(at);
  if (across < kGradualLeast) return false;
  for (size_t n = first; n <= last; ++n) {
    if (n != at && IsHardCut(n)) return false;  // That one is told of itself.
    const double other = Across(n);
    if (other > across || (other == across && n < at)) return false;
  }
  const double earlier = Across(AtOrBefore(seconds - 2 * kSide)), later = Across(AtOrBefore(seconds + 2 * kSide));
  return across > kGradualTimes * std::max(earlier, later);
}

}  // namespace mixmatch::model
