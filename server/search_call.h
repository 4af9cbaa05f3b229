// The call behind a search: whether anyone still waits for its answer.
#ifndef MIXMATCH_SERVER_SEARCH_CALL_H_
#define MIXMATCH_SERVER_SEARCH_CALL_H_

#include <functional>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace mixmatch::server {

// Looked at before and between the stages of a search. `cancelled` must be thread-safe; null: never.
struct SearchCall {
  std::function<bool()> cancelled;
  absl::Time deadline = absl::InfiniteFuture();

  // DEADLINE_EXCEEDED, CANCELLED or OK.
  absl::Status Check() const {
    if (absl::Now() >= deadline) return absl::DeadlineExceededError("search: the call's deadline passed");
    if (cancelled && cancelled()) return absl::CancelledError("search: the client cancelled the call");
    return absl::OkStatus();
  }
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_SEARCH_CALL_H_
