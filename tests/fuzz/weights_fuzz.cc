// Head maps as they are stored, with a sum that fits: what is wrong in them is an error.
#include <string>

#include "model/head/head_maps.h"
#include "model/tensors/state_sum.h"
#include "tests/fuzz/target.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  const uint64_t sum = mixmatch::model::StateSum(bytes);
  bytes.append(reinterpret_cast<const char*>(&sum), sizeof(sum));
  (void)mixmatch::model::HeadMaps::Parse(bytes).status();
  return 0;
}
