// The HTTP port for monitoring: /metrics, /healthz, /readyz.
#ifndef MIXMATCH_SERVER_TELEMETRY_METRICS_HTTP_H_
#define MIXMATCH_SERVER_TELEMETRY_METRICS_HTTP_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace mixmatch::server {

// Answers GET on two threads of its own until it is destroyed; other methods are 405 or 404, bodies beyond 1 KiB 413.
class MetricsHttp {
 public:
  // Called on its threads, `metrics` by one at a time.
  struct Answers {
    std::function<std::string()> metrics;    // Prometheus's text format.
    std::function<std::string()> not_ready;  // Why /readyz is 503; empty: it is 200.
  };

  // `address` is "host:port" or "[host]:port"; port 0 takes a free one. INVALID_ARGUMENT: not that. FAILED_PRECONDITION:
  // cannot listen there.
  static absl::StatusOr<std::unique_ptr<MetricsHttp>> Start(const std::string& address, Answers answers);
  virtual ~MetricsHttp() = default;

  virtual int port() const = 0;
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_TELEMETRY_METRICS_HTTP_H_
