// Refuses calls that the server has no room for, and writes while it is drained.
#ifndef MIXMATCH_SERVER_OVERLOAD_ADMISSION_H_
#define MIXMATCH_SERVER_OVERLOAD_ADMISSION_H_

#include <atomic>
#include <cstdint>

#include "absl/status/status.h"
#include "server/overload/drain.h"
#include "server/overload/headroom.h"
#include "server/rpc/front_door.h"

namespace mixmatch::server {

// Thread-safe. In this order:
// - drained: calls that write are UNAVAILABLE;
// - little is free on the disk: calls that write are RESOURCE_EXHAUSTED, but for those that are small, or free some;
// - little memory: uploads and what else takes much are RESOURCE_EXHAUSTED; almost none: searches and downloads too.
// What is refused for want of room says when to come again.
class Admission : public Doorkeeper {
 public:
  // Neither is owned.
  Admission(Headroom& headroom, Drain& drain) : headroom_(headroom), drain_(drain) {}

  absl::Status Admit(Call& call) override;
  void Left(const Call& call) override;

  // Calls refused since the start, by why.
  struct Refusals {
    uint64_t draining = 0;
    uint64_t disk = 0;
    uint64_t memory = 0;
  };
  Refusals refusals() const { return {drained_, no_disk_, no_memory_}; }

 private:
  absl::Status Check(const Rpc& rpc);

  Headroom& headroom_;
  Drain& drain_;
  std::atomic<uint64_t> drained_{0}, no_disk_{0}, no_memory_{0};
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_OVERLOAD_ADMISSION_H_
