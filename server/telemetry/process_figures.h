// What the operating system says of this process and of the disk below its data.
#ifndef MIXMATCH_SERVER_TELEMETRY_PROCESS_FIGURES_H_
#define MIXMATCH_SERVER_TELEMETRY_PROCESS_FIGURES_H_

#include <string>

#include "server/telemetry/metric_families.h"

namespace mixmatch::server {

// The process_* metrics by the names that Prometheus's own client libraries give them, and mixmatch_disk_*_bytes.
void CollectProcess(const std::string& data_dir, MetricFamilies& to);

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_TELEMETRY_PROCESS_FIGURES_H_
