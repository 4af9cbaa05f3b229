// What the user of a call may still take.
#ifndef MIXMATCH_SERVER_RPC_ALLOWANCE_H_
#define MIXMATCH_SERVER_RPC_ALLOWANCE_H_

#include <cstdint>

#include "absl/status/status.h"

namespace mixmatch::server {

// Of one call; used by its thread alone.
class Allowance {
 public:
  virtual ~Allowance() = default;
  // The call asks for `more` than the one request that was counted when it was admitted.
  virtual void AlsoRequests(int more) = 0;
  // Before `bytes` more of content are stored: all together when the call ends well, or each as it comes (`at_once`).
  // RESOURCE_EXHAUSTED: the user may not upload or store as much.
  virtual absl::Status Upload(uint64_t bytes, bool at_once) = 0;
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_RPC_ALLOWANCE_H_
