// What of the server can be seen from outside, and how.
#ifndef MIXMATCH_SERVER_TELEMETRY_TELEMETRY_OPTIONS_H_
#define MIXMATCH_SERVER_TELEMETRY_TELEMETRY_OPTIONS_H_

#include <string>

namespace mixmatch::server {

struct TelemetryOptions {
  std::string metrics_listen;     // Address and port of /metrics, /healthz and /readyz; empty: none.
  std::string metrics_port_file;  // Written with its port once it answers.
  std::string admin_listen;       // Of gRPC's channelz; empty: none. Loopback or a socket file only.
  std::string admin_port_file;    // Likewise.
  std::string log_format = "text";  // text or json
  double slow_call_ms = 1000.0;     // Calls that take longer are logged; 0: none are.
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_TELEMETRY_TELEMETRY_OPTIONS_H_
