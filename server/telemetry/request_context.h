// Names that tie a call to the lines it leaves in logs: ours, and that of W3C Trace Context.
#ifndef MIXMATCH_SERVER_TELEMETRY_REQUEST_CONTEXT_H_
#define MIXMATCH_SERVER_TELEMETRY_REQUEST_CONTEXT_H_

#include <string>

#include "absl/strings/string_view.h"

namespace mixmatch::server {

// Metadata of a call, and of its answer's end.
inline constexpr char kRequestIdKey[] = "x-request-id";
inline constexpr char kTraceparentKey[] = "traceparent";

// 1 to 64 of letters, digits, '-', '_', '.'.
bool IsRequestId(absl::string_view text);
// 16 hexadecimal digits, not the same twice. Thread-safe.
std::string NewRequestId();

// As https://www.w3.org/TR/trace-context/ has it: version 00, or a later one that begins the same way.
bool IsTraceparent(absl::string_view text);

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_TELEMETRY_REQUEST_CONTEXT_H_
