// Files of arrays and packed features: cut or altered ones are errors.
#include "absl/strings/string_view.h"
#include "model/modality/packed_features.h"
#include "model/tensors/safetensors.h"
#include "tests/fuzz/target.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  (void)mixmatch::model::Safetensors::Parse(bytes).status();
  (void)mixmatch::model::UnpackFeatures(bytes).status();
  return 0;
}
