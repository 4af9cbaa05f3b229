// The fixed descriptor of a sound. Invariant to loudness; little changed by a cut, by noise well below the sound and by
// a lossy codec; keeps the order of what is heard, so that spoken words differ.
#ifndef MIXMATCH_MODEL_MODALITY_AUDIO_AUDIO_FEATURES_H_
#define MIXMATCH_MODEL_MODALITY_AUDIO_AUDIO_FEATURES_H_

#include <vector>

#include "absl/types/span.h"

namespace mixmatch::model {

inline constexpr int kAudioFeatures = 1536;

// kAudioFeatures values, finite, each block of unit-scale norm. `pcm` is mono at 16 kHz. Silence gives zeros beside
// the constant blocks. Thread-safe; about 1 ms for a second of sound.
std::vector<float> AudioFeatures(absl::Span<const float> pcm);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MODALITY_AUDIO_AUDIO_FEATURES_H_
