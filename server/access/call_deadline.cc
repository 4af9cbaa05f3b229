#include "server/access/call_deadline.h"

#include <google/protobuf/descriptor.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"

namespace mixmatch::server {
namespace {

constexpr absl::string_view kWaits = "AdminService/WaitOperation";

bool IsBounded(const Rpc& rpc) {
  if (rpc.name == kWaits) return false;
  const google::protobuf::MethodDescriptor* method =
      google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(
          absl::StrCat("mixmatch.v1.", absl::StrReplaceAll(rpc.name, {{"/", "."}})));
  return method != nullptr && !method->client_streaming() && !method->server_streaming();
}

absl::flat_hash_set<const Rpc*> BoundedRpcs() {
  absl::flat_hash_set<const Rpc*> bounded;
  for (const Rpc& rpc : RpcTable()) {
    if (IsBounded(rpc)) bounded.insert(&rpc);
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
