// A refusal that says when to come again.
#ifndef MIXMATCH_SERVER_RPC_RETRY_AFTER_H_
#define MIXMATCH_SERVER_RPC_RETRY_AFTER_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace mixmatch::server {

// RESOURCE_EXHAUSTED; to be tried again after `wait`. The front door tells the client in gRPC's own ways.
absl::Status TryAgainAfter(absl::Duration wait, absl::string_view message);

// How long `status` asks to wait; 0 where it does not.
absl::Duration RetryAfter(const absl::Status& status);

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_RPC_RETRY_AFTER_H_
