// Cuts a sound into windows while it comes.
#ifndef MIXMATCH_MODEL_PARTS_SOUND_WINDOWS_H_
#define MIXMATCH_MODEL_PARTS_SOUND_WINDOWS_H_

#include <cstddef>
#include <vector>

#include "absl/types/span.h"

namespace mixmatch::model {

// A sound of up to kWholeSeconds is one window. A longer one is cut in the middle of the longest pause between
// kLeastSeconds and kWholeSeconds after a window's beginning: where it stays 20 dB below the mean of these seconds for a
// fifth of a second. Without such a pause a window ends after kWindowSeconds, and the next begins kOverlapSeconds before.
// Holds at most kWholeSeconds, and what one Add() brings.
class SoundWindows {
 public:
  static constexpr double kWholeSeconds = 12.0;
  static constexpr double kLeastSeconds = 6.0;
  static constexpr double kWindowSeconds = 10.0;
  static constexpr double kOverlapSeconds = 2.0;

  // Mono at 16 kHz.
  void Add(absl::Span<const float> samples);
  // Nothing comes any more.
  void Finish() { finished_ = true; }

  // The next window that is whole; false if there is none yet. `samples` is valid until the next call of anything here.
  bool Next(double* start_seconds, double* end_seconds, absl::Span<const float>* samples);

 private:
  size_t EndOfWindow(size_t* next) const;

  std::vector<float> held_;   // From begin_ on, and
  size_t drop_ = 0;           // so many of them were told and are let go.
  size_t begin_ = 0;          // Of held_, in samples from the start.
  bool finished_ = false;
  bool ended_ = false;
};

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_PARTS_SOUND_WINDOWS_H_
