// Gives calls their names, and notes those that failed or were slow.
#ifndef MIXMATCH_SERVER_TELEMETRY_CALL_LOG_H_
#define MIXMATCH_SERVER_TELEMETRY_CALL_LOG_H_

#include <cstdint>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/rpc/front_door.h"

namespace mixmatch::server {

// Thread-safe. A call's request id is the client's, if well-formed, else made here; it goes back in the trailing metadata,
// as does a W3C traceparent that came. One log line for a call that failed, or that took longer than `slow` and has neither
// a stream nor waiting as its purpose: RPC, code, time, both names. The message of the error is among it only where the
// fault is the server's: a client has its own already.
class CallLog : public CallObserver {
 public:
  // ZeroDuration: no call is slow.
  explicit CallLog(absl::Duration slow);

  void Began(Call& call) override;
  void Ended(const Call& call, const absl::Status& status, absl::Duration took) override;

 private:
  // Whether one more line may be written in this second; `dropped`: how many could not in the one before.
  bool Take(int64_t& dropped);

  const absl::Duration slow_;
  std::vector<bool> waits_;  // By RPC: a stream, or one that waits for something to happen.
  absl::Mutex mutex_;
  int64_t second_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t lines_ ABSL_GUARDED_BY(mutex_) = 0;  // Asked for in that second.
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_TELEMETRY_CALL_LOG_H_
