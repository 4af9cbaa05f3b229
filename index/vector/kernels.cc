#include "index/vector/kernels.h"

#include "index/vector/kernels_internal.h"

namespace mixmatch::index {

std::vector<Kernels> AvailableKernels() {
  std::vector<Kernels> all = HighwayKernels();
  all.push_back(ScalarKernels());
  Kernels vnni = all.front();
  if (UseVnni(vnni)) all.insert(all.begin(), vnni);
  return all;
}

const Kernels& BestKernels() {
  static const Kernels best = AvailableKernels().front();
  return best;
}

}  // namespace mixmatch::index
