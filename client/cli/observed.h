// When and where something happened, as it is said on a command line.
#ifndef MIXMATCH_CLIENT_CLI_OBSERVED_H_
#define MIXMATCH_CLIENT_CLI_OBSERVED_H_

#include <string>

#include "absl/strings/string_view.h"
#include "google/protobuf/timestamp.pb.h"
#include "mixmatch/v1/item.pb.h"

namespace mixmatch::client {

// "2026-05-01T10:00:00Z", "2026-05-01T10:00:00.5+02:00", "2026-05-01 10:00:00" (UTC), "2026-05-01" or seconds since 1970.
// False if it is none of these, or not of the years 1 to 9999.
bool ParseTime(absl::string_view text, google::protobuf::Timestamp& time);
// "47.3769,8.5417": degrees north, east. False if it is not, or beyond the poles.
bool ParseLocation(absl::string_view text, v1::Location& location);

inline constexpr char kTimeHint[] =
    "wanted a time such as 2026-05-01T10:00:00Z, 2026-05-01 10:00:00 (UTC) or seconds since 1970";
inline constexpr char kLocationHint[] = "wanted degrees north and east, such as 47.3769,8.5417";

}  // namespace mixmatch::client

#endif  // MIXMATCH_CLIENT_CLI_OBSERVED_H_
