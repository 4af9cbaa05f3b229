#include "server/rpc/front_door.h"

#include <exception>
#include <new>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "server/grpc_status.h"
#include "server/rpc/retry_after.h"

namespace mixmatch::server {
namespace {

constexpr char kPushback[] = "grpc-retry-pushback-ms";

// A refusal for now, in the words that gRPC's clients know.
grpc::Status WithRetryInfo(const absl::Status& status, absl::Duration wait) {
  google::rpc::RetryInfo info;
  info.mutable_retry_delay()->set_seconds(absl::ToInt64Seconds(wait));
  info.mutable_retry_delay()->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(wait % absl::Seconds(1))));
  google::rpc::Status details;
  details.set_code(static_cast<int>(status.code()));
  details.set_message(std::string(status.message()));
  details.add_details()->PackFrom(info);
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message()),
                      details.SerializeAsString());
}

grpc::Status Answer(grpc::ServerContext& context, const absl::Status& status) {
  if (!absl::IsResourceExhausted(status)) return ToGrpc(status);
  const absl::Duration wait = RetryAfter(status);
  const int64_t ms = absl::ToInt64Milliseconds(wait);
  context.AddTrailingMetadata(kPushback, absl::StrCat(ms > 0 ? ms : -1));
  return ms > 0 ? WithRetryInfo(status, wait) : ToGrpc(status);
}

// A handler has no business throwing; if it does all the same, the call ends and the keepers still hear of it.
absl::Status Run(absl::FunctionRef<absl::Status(const Caller&)> handler, const Caller& caller) {
  try {
    return handler(caller);
  } catch (const std::bad_alloc&) {
    return TryAgainAfter(absl::Seconds(1), "server: out of memory; try again in a moment, or raise its memory");
  } catch (const std::exception& e) {
    return absl::InternalError(absl::StrCat("server: ", e.what()));
  }
}

}  // namespace

grpc::Status FrontDoor::Handle(grpc::ServerContext& context, absl::string_view name,
                               absl::FunctionRef<absl::Status(const Caller&)> handler) {
  Call call{RpcNamed(name), context, absl::Now(), {}};
  for (CallObserver* observer : observers_) observer->Began(call);
  const absl::Status status = Pass(call, handler);
  const absl::Duration took = absl::Now() - call.began;
  for (CallObserver* observer : observers_) observer->Ended(call, status, took);
  return Answer(context, status);
}

absl::Status FrontDoor::Pass(Call& call, absl::FunctionRef<absl::Status(const Caller&)> handler) {
  absl::Status status;
  size_t admitted = 0;
  for (; admitted < keepers_.size(); ++admitted) {
    status = keepers_[admitted]->Admit(call);
    if (!status.ok()) break;
  }
  if (status.ok()) status = Run(handler, call.caller);
  while (admitted > 0) keepers_[--admitted]->Left(call);
  return status;
}

}  // namespace mixmatch::server
