// The tables of kernels, by the file that makes each.
#ifndef MIXMATCH_INDEX_VECTOR_KERNELS_INTERNAL_H_
#define MIXMATCH_INDEX_VECTOR_KERNELS_INTERNAL_H_

#include <vector>

#include "index/vector/kernels.h"

namespace mixmatch::index {

// What Highway makes for this CPU, the best first.
std::vector<Kernels> HighwayKernels();

// Replaces the code kernels of `kernels` by those over AVX512-VNNI, if this CPU has it; says whether it did.
bool UseVnni(Kernels& kernels);

Kernels ScalarKernels();

}  // namespace mixmatch::index

#endif  // MIXMATCH_INDEX_VECTOR_KERNELS_INTERNAL_H_
