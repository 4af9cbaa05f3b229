// Bytes of a stranger, all the way: sniffed and decoded as in a decoding process, its answer read as the server reads
// it, cut into parts and described. The first byte chooses the hint.
#include "model/media/wire_request.h"
#include "tests/fuzz/decode.h"
#include "tests/fuzz/target.h"

namespace {

constexpr const char* kHints[] = {"",          "text/plain",    "image/png", "audio/ogg",
                                  "video/mp4", "text/markdown", "text/csv",  "application/pdf",
                                  "application/x-raw-series; rate_hz=100; channels=2; type=f32"};

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const char* const hint = kHints[data[0] % (sizeof(kHints) / sizeof(kHints[0]))];
  mixmatch::model::DecodeAndCut({reinterpret_cast<const char*>(data + 1), size - 1},
                                mixmatch::model::RequestOf(mixmatch::model::SmallLimits(), hint));
  return 0;
}
