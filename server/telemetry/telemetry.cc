#include "server/telemetry/telemetry.h"

#include "absl/time/time.h"
#include "proto/base/status_macros.h"
#include "server/log.h"
#include "server/port_file.h"
#include "server/telemetry/process_figures.h"
#include "server/telemetry/server_figures.h"

namespace mixmatch::server {

Telemetry::Telemetry(const TelemetryOptions& options, const Core& core, const Admission& admission)
    : options_(options), core_(core), admission_(admission), call_log_(absl::Milliseconds(options.slow_call_ms)) {}

void Telemetry::Watch(FrontDoor& door) {
  door.Add(&call_log_);
  door.Add(&rpc_metrics_);
}

absl::Status Telemetry::Start() {
  if (!options_.metrics_listen.empty()) {
    MetricsHttp::Answers answers;
    answers.metrics = [this] { return Metrics(); };
    answers.not_ready = [this] { return serving_ ? "" : "not serving"; };
    MIXMATCH_ASSIGN_OR_RETURN(http_, MetricsHttp::Start(options_.metrics_listen, std::move(answers)));
    MIXMATCH_RETURN_IF_ERROR(WritePortFile("--metrics-port-file", options_.metrics_port_file, http_->port()));
    Log::Info("metrics on port {}", http_->port());
  }
  if (!options_.admin_listen.empty()) {
    MIXMATCH_ASSIGN_OR_RETURN(admin_, AdminListener::Start(options_.admin_listen));
    MIXMATCH_RETURN_IF_ERROR(WritePortFile("--admin-port-file", options_.admin_port_file, admin_->port()));
    Log::Info("channelz on port {}", admin_->port());
  }
  return absl::OkStatus();
}

std::string Telemetry::Metrics() const {
  MetricFamilies families;
  families.Gauge("mixmatch_build_info", "1, with the version.", 1.0, {{"version", MIXMATCH_VERSION}});
  rpc_metrics_.Collect(families);
  CollectServer(core_, families);
  CollectOverload(core_, admission_, families);
  CollectProcess(core_.options.data_dir, families);
  return families.Text();
}

}  // namespace mixmatch::server
