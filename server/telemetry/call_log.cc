#include "server/telemetry/call_log.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "server/log.h"
#include "server/telemetry/request_context.h"

namespace mixmatch::server {
namespace {

constexpr int64_t kMostLines = 100;     // A second: many bad calls must not fill a disk.
constexpr size_t kMostMessage = 500;

// Not what the client did, asked for too much of, or gave up.
bool IsOurFault(const absl::Status& status) {
  return absl::IsInternal(status) || absl::IsUnknown(status) || absl::IsDataLoss(status);
}

absl::string_view Of(const std::multimap<grpc::string_ref, grpc::string_ref>& metadata, const char* key) {
  const auto found = metadata.find(key);
  return found == metadata.end() ? absl::string_view()
                                 : absl::string_view(found->second.data(), found->second.size());
}

}  // namespace

CallLog::CallLog(absl::Duration slow) : slow_(slow) {
  for (const Rpc& rpc : RpcTable()) waits_.push_back(Waits(rpc));
}

void CallLog::Began(Call& call) {
  const auto& metadata = call.context.client_metadata();
  const absl::string_view id = Of(metadata, kRequestIdKey);
  call.caller.request_id = IsRequestId(id) ? std::string(id) : NewRequestId();
  call.context.AddTrailingMetadata(kRequestIdKey, call.caller.request_id);
  const absl::string_view trace = Of(metadata, kTraceparentKey);
  if (!IsTraceparent(trace)) return;
  call.caller.traceparent = std::string(trace);
  call.context.AddTrailingMetadata(kTraceparentKey, call.caller.traceparent);
}

void CallLog::Ended(const Call& call, const absl::Status& status, absl::Duration took) {
  const bool waits = waits_[&call.rpc - RpcTable().data()];
  const bool slow = !waits && slow_ > absl::ZeroDuration() && took > slow_;
  // A stream that is watched ends by being cancelled.
  const bool failed = !status.ok() && !(waits && absl::IsCancelled(status));
  if (!slow && !failed) return;
  int64_t dropped = 0;
  const bool may = Take(dropped);
  if (dropped > 0) Log::Warn("{} failed or slow calls of the second before were not logged", dropped);
  if (!may) return;
  Log::Fields fields = {{"rpc", call.rpc.name},
                        {"code", absl::StatusCodeToString(status.code())},
                        {"ms", absl::StrFormat("%.1f", absl::ToDoubleMilliseconds(took))},
                        {"request_id", call.caller.request_id}};
  if (!call.caller.traceparent.empty()) fields.emplace_back("traceparent", call.caller.traceparent);
  if (IsOurFault(status)) fields.emplace_back("error", std::string(status.message().substr(0, kMostMessage)));
  Log::Write(IsOurFault(status) ? Log::Level::err : slow ? Log::Level::warn : Log::Level::info,
             failed ? "call failed" : "slow call", fields);
}

bool CallLog::Take(int64_t& dropped) {
  const int64_t now = absl::ToUnixSeconds(absl::Now());
  absl::MutexLock lock(&mutex_);
  if (now != second_) {
    dropped = std::max<int64_t>(0, lines_ - kMostLines);
    second_ = now;
    lines_ = 0;
  }
  return ++lines_ <= kMostLines;
}

}  // namespace mixmatch::server
