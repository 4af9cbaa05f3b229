#include "model/threads.h"

#include <ATen/Parallel.h>
#include <dlfcn.h>

// Of OpenBLAS, which runs torch's fp32 matrix products here; absent where another BLAS is installed.
extern "C" void openblas_set_num_threads(int) __attribute__((weak));

namespace mixmatch::model {

void PrepareForManyThreads() {
  at::set_num_threads(1);
  if (openblas_set_num_threads != nullptr) openblas_set_num_threads(1);
  // By name: torch brings oneDNN, and some builds of it hide it.
  void* const set_capacity = dlsym(RTLD_DEFAULT, "dnnl_set_primitive_cache_capacity");
  if (set_capacity != nullptr) reinterpret_cast<int (*)(int)>(set_capacity)(0);
}

}  // namespace mixmatch::model
