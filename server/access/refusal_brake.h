// Peers that call again and again without a valid token.
#ifndef MIXMATCH_SERVER_ACCESS_REFUSAL_BRAKE_H_
#define MIXMATCH_SERVER_ACCESS_REFUSAL_BRAKE_H_

#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/access/token_bucket.h"

namespace mixmatch::server {

// What counts as one peer of gRPC's "ipv4:192.0.2.1:50000" or "ipv6:%5B2001:db8::1%5D:50000": an IPv4 address, the
// first 64 bits of an IPv6 address; anything else is itself without a port.
std::string PeerKey(absl::string_view peer);

// Thread-safe, of bounded memory: at most 4,096 peers are remembered.
class RefusalBrake {
 public:
  // `per_minute` 0: never brakes.
  explicit RefusalBrake(int per_minute) : per_minute_(per_minute) {}

  // A call of `peer` had no valid token. How long the peer should stay away; 0 while it has not done so too often.
  absl::Duration Refused(absl::string_view peer, absl::Time now);

 private:
  void Forget(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const int per_minute_;
  absl::Mutex mutex_;
  absl::flat_hash_map<std::string, TokenBucket> peers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_ACCESS_REFUSAL_BRAKE_H_
