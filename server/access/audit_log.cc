#include "server/access/audit_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/util/time_util.h"
#include "mixmatch/storage/v1/audit.pb.h"
#include "server/log.h"

namespace mixmatch::server {
namespace {

using google::protobuf::util::TimeUtil;

constexpr double kRefusalsPerSecond = 50;
constexpr double kRefusalsAtOnce = 500;
constexpr mode_t kOwnerOnly = 0600;

int OpenFile(const std::string& path) {
  return open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, kOwnerOnly);
}

bool IsRefusal(const absl::Status& status) {
  return absl::IsUnauthenticated(status) || absl::IsPermissionDenied(status) || absl::IsResourceExhausted(status);
}

std::string LineOf(const Call& call, const absl::Status& status, absl::Duration took, uint64_t left_out) {
  storage::v1::AuditLine line;
  *line.mutable_time() = TimeUtil::MicrosecondsToTimestamp(absl::ToUnixMicros(call.began));
  line.set_rpc(call.rpc.name);
  line.set_user(call.caller.principal);
  line.set_token_id(call.caller.token_id);
  line.set_peer(call.context.peer());
  line.set_outcome(absl::StatusCodeToString(status.code()));
  line.set_subject(call.caller.subject);
  line.set_request_id(call.caller.request_id);
  line.set_milliseconds(absl::ToDoubleMilliseconds(took));
  line.set_left_out(left_out);
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(line, &json, options).ok()) {
    json = absl::StrCat("{\"rpc\":\"", call.rpc.name, "\",\"outcome\":\"a line that cannot be written as JSON\"}");
  }
  return json + "\n";
}

}  // namespace

absl::StatusOr<std::unique_ptr<AuditLog>> AuditLog::Open(const std::string& path) {
  const int file = OpenFile(path);
  if (file < 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("--audit-log: cannot append to ", path, ": ", std::strerror(errno)));
  }
  return std::unique_ptr<AuditLog>(new AuditLog(path, file));
}

AuditLog::~AuditLog() {
  const absl::MutexLock lock(&mutex_);
  close(file_);
}

bool AuditLog::HasRoom(absl::Time now, uint64_t& left_out) {
  const absl::MutexLock lock(&mutex_);
  if (refusals_.Wait(now, kRefusalsPerSecond, kRefusalsAtOnce) > absl::ZeroDuration()) {
    ++left_out_;
    return false;
  }
  refusals_.Take(1);
  left_out = std::exchange(left_out_, 0);
  return true;
}

void AuditLog::Ended(const Call& call, const absl::Status& status, absl::Duration took) {
  const bool refused = IsRefusal(status);
  if (!refused && !call.rpc.writes && call.rpc.role != v1::ROLE_ADMIN) return;
  uint64_t left_out = 0;
  if (refused && !HasRoom(call.began, left_out)) return;
  const std::string line = LineOf(call, status, took, left_out);
  const absl::MutexLock lock(&mutex_);
  const bool failed = write(file_, line.data(), line.size()) != static_cast<ssize_t>(line.size());
  if (failed && !failing_) Log::Error("--audit-log: cannot write to {}: {}; calls go on", path_, std::strerror(errno));
  if (!failed && failing_) Log::Info("--audit-log: {} is written again", path_);
  failing_ = failed;
}

void AuditLog::Reopen() {
  const int file = OpenFile(path_);
  if (file < 0) {
    Log::Warn("--audit-log: cannot open {} anew: {}; the old file is written on", path_, std::strerror(errno));
    return;
  }
  const absl::MutexLock lock(&mutex_);
  close(std::exchange(file_, file));
}

}  // namespace mixmatch::server
