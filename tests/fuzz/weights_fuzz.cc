// Files of weights, maps and shards: cut or altered ones are errors.
#include "model/head/head_maps.h"
#include "model/tensors/safetensors.h"
#include "tests/fuzz/target.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  (void)mixmatch::model::Safetensors::Parse(bytes).status();
  (void)mixmatch::model::HeadMaps::Parse(bytes).status();
  return 0;
}
