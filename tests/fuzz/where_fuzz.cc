// The filter language: any text gives a filter or an error, never a crash.
#include "client/cpp/where.h"
#include "tests/fuzz/target.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  (void)mixmatch::client::ParseWhere(text).status();
  (void)mixmatch::client::ParseValue(text);
  return 0;
}
