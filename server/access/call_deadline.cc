#include "server/access/call_deadline.h"

#include "absl/time/clock.h"

namespace mixmatch::server {
namespace {

absl::flat_hash_set<const Rpc*> BoundedRpcs() {
  absl::flat_hash_set<const Rpc*> bounded;
  for (const Rpc& rpc : RpcTable()) {
    if (!Waits(rpc)) bounded.insert(&rpc);
  }
  return bounded;
}

}  // namespace

CallDeadline::CallDeadline(absl::Duration most)
    : most_(most), bounded_(BoundedRpcs()), thread_([this] { CancelLate(); }) {}

CallDeadline::~CallDeadline() {
  {
    const absl::MutexLock lock(&mutex_);
    ending_ = true;
  }
  thread_.join();
}

absl::Status CallDeadline::Admit(Call& call) {
  if (!bounded_.contains(&call.rpc)) return absl::OkStatus();
  const absl::MutexLock lock(&mutex_);
  calls_.emplace(std::make_pair(call.began + most_, &call), &call.context);
  return absl::OkStatus();
}

void CallDeadline::Left(const Call& call) {
  if (!bounded_.contains(&call.rpc)) return;
  const absl::MutexLock lock(&mutex_);
  calls_.erase({call.began + most_, &call});
}

void CallDeadline::CancelLate() {
  const absl::MutexLock lock(&mutex_);
  while (!ending_) {
    // Calls that come while this waits end no sooner than what it waits for.
    const absl::Time until = calls_.empty() ? absl::Now() + most_ : calls_.begin()->first.first;
    mutex_.AwaitWithDeadline(absl::Condition(&ending_), until);
    while (!calls_.empty() && calls_.begin()->first.first <= absl::Now()) {
      calls_.begin()->second->TryCancel();
      calls_.erase(calls_.begin());
    }
  }
}

}  // namespace mixmatch::server
