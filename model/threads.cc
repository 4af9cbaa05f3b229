#include "model/threads.h"

#include <ATen/Parallel.h>

// Of OpenBLAS, which runs torch's fp32 matrix products here; absent where another BLAS is installed.
extern "C" void openblas_set_num_threads(int) __attribute__((weak));

namespace mixmatch::model {

void UseOneThreadEach() {
  at::set_num_threads(1);
  if (openblas_set_num_threads != nullptr) openblas_set_num_threads(1);
}

}  // namespace mixmatch::model
