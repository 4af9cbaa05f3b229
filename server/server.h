// The process: opens, serves, drains, stops.
#ifndef MIXMATCH_SERVER_SERVER_H_
#define MIXMATCH_SERVER_SERVER_H_

#include "absl/status/status.h"
#include "server/options.h"

namespace mixmatch::server {

// Serves until SIGTERM or SIGINT, then drains: health says NOT_SERVING, calls under way end, a checkpoint is written.
// Call from the main thread before any other thread is started.
absl::Status Run(const ServerOptions& options);

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_SERVER_H_
