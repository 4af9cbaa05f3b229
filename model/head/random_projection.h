// Gaussian projections that come from a seed alone.
#ifndef MIXMATCH_MODEL_HEAD_RANDOM_PROJECTION_H_
#define MIXMATCH_MODEL_HEAD_RANDOM_PROJECTION_H_

#include <cstdint>
#include <vector>

namespace mixmatch::model {

// Row-major [from, to], independent N(0, 1 / to): keeps expected squared length. The same for the same arguments.
std::vector<float> RandomProjection(int from, int to, uint64_t seed);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_HEAD_RANDOM_PROJECTION_H_
