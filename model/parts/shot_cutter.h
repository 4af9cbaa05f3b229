// Where the shots of a video begin, told while the frames come.
#ifndef MIXMATCH_MODEL_PARTS_SHOT_CUTTER_H_
#define MIXMATCH_MODEL_PARTS_SHOT_CUTTER_H_

#include <array>
#include <cstddef>
#include <deque>
#include <vector>

#include "model/media/decoded.h"

namespace mixmatch::model {

// A frame begins a shot
// - at a hard cut: it differs from the one before it by much more than is usual within a second around, and the frames
//   after it stay as different (a flash does not);
// - in the middle of a dissolve or fade: what is three quarters of a second before and after differs, more than it does
//   at any frame near and far more than a while earlier and later (steady motion does not);
// - where the shot has gone on for kMostSeconds.
// Frames are compared by the colours of a grid of 16 x 9 fields and by histograms of each colour.
class ShotCutter {
 public:
  static constexpr double kMostSeconds = 12.0;
  static constexpr double kLeastSeconds = 0.5;

  void Add(const DecodedImage& image, double seconds);
  // No frame comes any more: all are decided.
  void Finish() { finished_ = true; }
  // The decision of the next frame, in order; false while it needs later ones.
  bool Next(bool* begins);

 private:
  struct Look {
    double seconds = 0.0;
    double step = 0.0;  // Difference from the frame before.
    std::array<float, 16 * 9 * 3> grid;
    std::array<float, 3 * 8> histogram;
  };

  static Look LookAt(const DecodedImage& image, double seconds);
  static double Difference(const Look& a, const Look& b);
  bool IsHardCut(size_t at) const;
  bool Stays(size_t at) const;
  bool IsGradual(size_t at) const;
  double Across(size_t at) const;
  size_t AtOrBefore(double seconds) const;

  bool finished_ = false;
  double shot_began_ = 0.0;
  bool any_ = false;
  size_t next_ = 0;          // The next to decide, in looks_.
  std::deque<Look> looks_;   // Of the last few decided, and all undecided frames.
};

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_PARTS_SHOT_CUTTER_H_
