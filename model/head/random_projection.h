// Gaussian projections that come from a seed alone.
#ifndef MIXMATCH_MODEL_HEAD_RANDOM_PROJECTION_H_
#define MIXMATCH_MODEL_HEAD_RANDOM_PROJECTION_H_

#include <cstdint>
#include <vector>

namespace mixmatch::model {

// Row-major [from, to], independent N(0, 1 / to): keeps expected squared length. The same for the same arguments.
std::vector<float> RandomProjection(int from, int to, uint64_t seed);

// The same, independent of every RandomProjection of a seed near this one: for numbers that are of one space in several
// modalities.
std::vector<float> SharedProjection(int from, int to, uint64_t seed);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_HEAD_RANDOM_PROJECTION_H_
