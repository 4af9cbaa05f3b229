// What a worker is told of the limits.
#ifndef MIXMATCH_MODEL_MEDIA_WIRE_REQUEST_H_
#define MIXMATCH_MODEL_MEDIA_WIRE_REQUEST_H_

#include "absl/strings/string_view.h"
#include "model/media/media_decoder.h"
#include "model/media/wire.h"

namespace mixmatch::model {

// The hint is cut if it is longer than the request has place for.
WireRequest RequestOf(const MediaLimits& limits, absl::string_view media_type_hint);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_WIRE_REQUEST_H_
