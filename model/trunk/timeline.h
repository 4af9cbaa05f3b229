// Sounds as frames in time: what the stem kSound reads, and what it does before and after its convolutions.
// Not a public header: it names ATen.
#ifndef MIXMATCH_MODEL_TRUNK_TIMELINE_H_
#define MIXMATCH_MODEL_TRUNK_TIMELINE_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace mixmatch::model {

inline constexpr int kTimelineBands = 64;
inline constexpr float kTimelineFloor = -60;  // Decibels of silence.
inline constexpr int kTimelineStride = 4;     // Frames a token.
inline constexpr int kTimelineStretches = 8;  // Of the summary.

// Tokens of a sound (patches of 16 bands x 16 frames, four a stretch of time) as decibels below the loudest,
// [frames, kTimelineBands], cut to where something sounds above the sound's own floor. At least one frame.
std::vector<float> TimelineOf(absl::Span<const uint8_t> tokens);

// Of each.
std::vector<int64_t> FramesOf(const std::vector<std::vector<float>>& timelines);

// [b, longest, kTimelineBands], padded with kTimelineFloor.
at::Tensor PadTimelines(const std::vector<std::vector<float>>& timelines);

// [b, longest, 1]: 1 where a row has a frame, 0 where it is padded.
at::Tensor TimelineMask(const std::vector<int64_t>& frames, int64_t longest);

// How many places are left of `frames` after convolutions of `stride` in all.
int64_t StridedLength(int64_t frames, int64_t stride);

// What a microphone, a room and a throat add to every frame, taken away: each band's mean over the frames, and the spread
// of the whole (cepstral mean and variance normalisation, Atal 1974; Viikki & Laurila 1998). What is 45 dB or more below
// the loudest is not heard. [b, longest, bands] and a mask -> the same shape, 0 where it is padded.
at::Tensor NormaliseTimelines(const at::Tensor& decibels, const at::Tensor& mask);

// The mean of each of kTimelineStretches equal stretches of the first `lengths[row]` places:
// [b, n, width] -> [b, kTimelineStretches * width].
at::Tensor StretchMeans(const at::Tensor& places, const std::vector<int64_t>& lengths);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_TRUNK_TIMELINE_H_
