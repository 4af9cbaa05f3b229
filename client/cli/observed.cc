#include "client/cli/observed.h"

#include <cmath>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"

namespace mixmatch::client {

bool ParseTime(absl::string_view text, google::protobuf::Timestamp& time) {
  absl::Time parsed;
  double seconds = 0.0;
  bool good = false;
  if (absl::SimpleAtod(text, &seconds)) {
    if (!std::isfinite(seconds)) return false;
    parsed = absl::UnixEpoch() + absl::Seconds(seconds);
    good = true;
  }
  for (const char* format : {absl::RFC3339_full, "%Y-%m-%d%ET%H:%M:%E*S", "%Y-%m-%d %H:%M:%E*S", "%Y-%m-%d"}) {
    std::string error;
    good = good || absl::ParseTime(format, text, &parsed, &error);
  }
  if (!good || parsed < absl::FromUnixSeconds(-62135596800) || parsed >= absl::FromUnixSeconds(253402300800)) {
    return false;
  }
  const int64_t whole = absl::ToUnixSeconds(parsed);
  time.set_seconds(whole);
  time.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(parsed - absl::FromUnixSeconds(whole))));
  return true;
}

bool ParseLocation(absl::string_view text, v1::Location& location) {
  const std::pair<absl::string_view, absl::string_view> split = absl::StrSplit(text, absl::MaxSplits(',', 1));
  double north = 0.0, east = 0.0;
  if (!absl::SimpleAtod(split.first, &north) || !absl::SimpleAtod(split.second, &east)) return false;
  if (!(std::abs(north) <= 90.0) || !(std::abs(east) <= 180.0)) return false;
  location.set_latitude(north);
  location.set_longitude(east);
  return true;
}

}  // namespace mixmatch::client
