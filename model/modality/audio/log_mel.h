// Time-frequency picture of a sound: mel-band energies of 25 ms Hann windows every 10 ms.
#ifndef MIXMATCH_MODEL_MODALITY_AUDIO_LOG_MEL_H_
#define MIXMATCH_MODEL_MODALITY_AUDIO_LOG_MEL_H_

#include <vector>

#include "absl/types/span.h"

namespace mixmatch::model {

inline constexpr int kAudioRate = 16000;  // Samples a second of everything in this room.
inline constexpr int kMelHop = 160;       // Samples between frames: 10 ms.
inline constexpr int kMelWindow = 400;    // Samples in a window: 25 ms.

// Row-major [frames, bands], power (not log), >= 0, finite.
struct MelEnergies {
  int frames = 0;
  int bands = 0;
  std::vector<float> energy;
  const float* row(int t) const { return energy.data() + static_cast<size_t>(t) * bands; }
  float* row(int t) { return energy.data() + static_cast<size_t>(t) * bands; }
};

// Mel energies of mono samples at 16 kHz, `bands` (1 to 128) triangles from 60 to 7,800 Hz on the scale of
// O'Shaughnessy (2595 log10(1 + f / 700)). A sound shorter than one window is padded with silence; there is always at
// least one frame. Non-finite samples count as 0. Thread-safe.
MelEnergies ComputeMel(absl::Span<const float> pcm, int bands);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MODALITY_AUDIO_LOG_MEL_H_
