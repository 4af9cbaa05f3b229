// The size that a still picture's header states.
#ifndef MIXMATCH_MODEL_MEDIA_WORKER_STILL_HEADER_H_
#define MIXMATCH_MODEL_MEDIA_WORKER_STILL_HEADER_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace mixmatch::model {

struct StillHeader {
  int64_t width = 0;
  int64_t height = 0;
};

// INVALID_ARGUMENT if the header is damaged or the file ends too early.
absl::StatusOr<StillHeader> ReadStillHeader(absl::string_view bytes, absl::string_view media_type);

// An animated WebP's first frame as a WebP of its own; any other file as it is. INVALID_ARGUMENT if it has none.
absl::StatusOr<std::string> FirstWebpFrame(std::string bytes);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_WORKER_STILL_HEADER_H_
