// A decoding process and its server in one, for targets.
#ifndef MIXMATCH_TESTS_FUZZ_DECODE_H_
#define MIXMATCH_TESTS_FUZZ_DECODE_H_

#include "absl/strings/string_view.h"
#include "model/media/media_decoder.h"
#include "model/media/wire.h"

namespace mixmatch::model {

// Small, so that a run tries much.
MediaLimits SmallLimits();

// Decodes `content` as a decoding process does, reads its answer as the server does, cuts it into parts and describes
// these. Ends the process if the decoder, which nobody took over, breaks the framing.
void DecodeAndCut(absl::string_view content, const WireRequest& request);

}  // namespace mixmatch::model

#endif  // MIXMATCH_TESTS_FUZZ_DECODE_H_
