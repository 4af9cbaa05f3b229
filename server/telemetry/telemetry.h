// All that shows how the server does: metrics, the log of calls, the ports for looking at it.
#ifndef MIXMATCH_SERVER_TELEMETRY_TELEMETRY_H_
#define MIXMATCH_SERVER_TELEMETRY_TELEMETRY_H_

#include <atomic>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "server/core.h"
#include "server/overload/admission.h"
#include "server/rpc/front_door.h"
#include "server/telemetry/admin_listener.h"
#include "server/telemetry/call_log.h"
#include "server/telemetry/metrics_http.h"
#include "server/telemetry/rpc_metrics.h"
#include "server/telemetry/telemetry_options.h"

namespace mixmatch::server {

// `core` and `admission` outlive it. The ports close with it.
class Telemetry {
 public:
  Telemetry(const TelemetryOptions& options, const Core& core, const Admission& admission);

  // Has it told of every call.
  void Watch(FrontDoor& door);

  // Opens the ports that the options name and writes their files. Once the main server is built.
  absl::Status Start();
  // Whether /readyz says yes: searches are answered, and the server is not on its way down. At first it does not.
  void SetServing(bool serving) { serving_ = serving; }

 private:
  std::string Metrics() const;

  const TelemetryOptions options_;
  const Core& core_;
  const Admission& admission_;
  std::atomic<bool> serving_{false};
  CallLog call_log_;
  RpcMetrics rpc_metrics_;
  std::unique_ptr<MetricsHttp> http_;
  std::unique_ptr<AdminListener> admin_;
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_TELEMETRY_TELEMETRY_H_
