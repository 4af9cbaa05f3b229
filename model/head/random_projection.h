// Gaussian projections that come from a seed alone.
#ifndef MIXMATCH_MODEL_HEAD_RANDOM_PROJECTION_H_
#define MIXMATCH_MODEL_HEAD_RANDOM_PROJECTION_H_

#include <cstdint>
#include <vector>

namespace mixmatch::model {

// Row-major [from, to], independent N(0, 1 / to): keeps expected squared length. The same for the same arguments.
std::vector<float> RandomProjection(int from, int to, uint64_t seed);

// What a squared number of the shared block weighs beside one of the others, when both are projected together: fixed
// features have a squared length of about 3, outputs of a trunk of 1.
inline constexpr float kSharedWeight = 3.0f;

// As RandomProjection(from, to, seed + slot), but the last `shared` (0 to from) rows, times the root of kSharedWeight, depend
// on `seed` alone: numbers of one space in every slot stay comparable across slots.
std::vector<float> SlotProjection(int from, int shared, int to, uint64_t seed, int slot);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_HEAD_RANDOM_PROJECTION_H_
