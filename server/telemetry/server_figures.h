// What the server's rooms know of themselves, as metrics.
#ifndef MIXMATCH_SERVER_TELEMETRY_SERVER_FIGURES_H_
#define MIXMATCH_SERVER_TELEMETRY_SERVER_FIGURES_H_

#include "server/core.h"
#include "server/overload/admission.h"
#include "server/telemetry/metric_families.h"

namespace mixmatch::server {

// Read where they are kept, at the moment of a scrape; nothing is walked, and no search waits for it.
void CollectServer(const Core& core, MetricFamilies& to);

// What there is room for, and what was refused.
void CollectOverload(const Core& core, const Admission& admission, MetricFamilies& to);

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_TELEMETRY_SERVER_FIGURES_H_
