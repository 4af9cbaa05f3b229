#include "model/parts/sound_windows.h"

#include <algorithm>

namespace mixmatch::model {
namespace {

constexpr size_t kRate = 16000;
constexpr size_t kBlock = kRate / 20;    // 50 ms.
constexpr size_t kPauseBlocks = 4;
constexpr double kQuiet = 0.01;          // Of the mean energy: 20 dB down.

size_t Samples(double seconds) { return static_cast<size_t>(seconds * kRate); }

}  // namespace

void SoundWindows::Add(absl::Span<const float> samples) {
  held_.erase(held_.begin(), held_.begin() + drop_);
  begin_ += drop_;
  drop_ = 0;
  held_.insert(held_.end(), samples.begin(), samples.end());
}

bool SoundWindows::Next(double* start_seconds, double* end_seconds, absl::Span<const float>* samples) {
  const size_t left = held_.size() - drop_;
  const bool last = finished_ && left <= Samples(kWholeSeconds);
  if (ended_ || left == 0 || (!last && left <= Samples(kWholeSeconds))) return false;
  size_t next = left;
  const size_t size = last ? left : EndOfWindow(&next);
  *start_seconds = static_cast<double>(begin_ + drop_) / kRate;
  *end_seconds = static_cast<double>(begin_ + drop_ + size) / kRate;
  *samples = absl::MakeConstSpan(held_).subspan(drop_, size);
  drop_ += next;
  ended_ = last;
  return true;
}

// Samples of the window that begins at drop_; `*next`: from there to the beginning of the next.
size_t SoundWindows::EndOfWindow(size_t* next) const {
  std::vector<double> energies(Samples(kWholeSeconds) / kBlock, 0.0);
  double mean = 0.0;
  for (size_t b = 0; b < energies.size(); ++b) {
    for (size_t i = 0; i < kBlock; ++i) {
      const double sample = held_[drop_ + b * kBlock + i];
      energies[b] += sample * sample;
    }
    mean += energies[b] / energies.size();
  }
  size_t run = 0, longest = 0, end = 0;
  for (size_t b = Samples(kLeastSeconds) / kBlock; b < energies.size(); ++b) {
    run = energies[b] < kQuiet * mean ? run + 1 : 0;
    if (run > longest) {
      longest = run;
      end = b + 1;
    }
  }
  if (longest < kPauseBlocks) {
    *next = Samples(kWindowSeconds - kOverlapSeconds);
    return Samples(kWindowSeconds);
  }
  *next = (end - longest / 2) * kBlock;
  return *next;
}

}  // namespace mixmatch::model
