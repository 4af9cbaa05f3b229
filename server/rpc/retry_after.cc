#include "server/rpc/retry_after.h"

#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace mixmatch::server {
namespace {

constexpr char kPayload[] = "mixmatch/retry-after-ms";

}  // namespace

absl::Status TryAgainAfter(absl::Duration wait, absl::string_view message) {
  absl::Status status = absl::ResourceExhaustedError(message);
  status.SetPayload(kPayload, absl::Cord(absl::StrCat(absl::ToInt64Milliseconds(wait))));
  return status;
}

absl::Duration RetryAfter(const absl::Status& status) {
  const auto payload = status.GetPayload(kPayload);
  int64_t ms = 0;
  if (!payload.has_value() || !absl::SimpleAtoi(std::string(*payload), &ms)) return absl::ZeroDuration();
  return absl::Milliseconds(ms);
}

}  // namespace mixmatch::server
