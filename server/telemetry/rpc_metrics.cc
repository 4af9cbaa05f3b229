#include "server/telemetry/rpc_metrics.h"

#include <algorithm>

#include <prometheus/histogram.h>

namespace mixmatch::server {
namespace {

// From a read of one record to a stream of minutes, seconds.
const prometheus::Histogram::BucketBoundaries& Bounds() {
  static const auto* const bounds = new prometheus::Histogram::BucketBoundaries{
      1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300};
  return *bounds;
}

}  // namespace

RpcMetrics::RpcMetrics() : under_way_(RpcTable().size()), histograms_(RpcTable().size() * kCodes) {}

RpcMetrics::~RpcMetrics() = default;

void RpcMetrics::Began(Call& call) { under_way_[Index(call.rpc)].fetch_add(1, std::memory_order_relaxed); }

void RpcMetrics::Ended(const Call& call, const absl::Status& status, absl::Duration took) {
  const size_t rpc = Index(call.rpc);
  under_way_[rpc].fetch_sub(1, std::memory_order_relaxed);
  Of(rpc, std::min<size_t>(static_cast<size_t>(status.code()), kCodes - 1)).Observe(absl::ToDoubleSeconds(took));
}

prometheus::Histogram& RpcMetrics::Of(size_t rpc, size_t code) {
  std::atomic<prometheus::Histogram*>& place = histograms_[rpc * kCodes + code];
  if (prometheus::Histogram* known = place.load(std::memory_order_acquire)) return *known;
  absl::MutexLock lock(&mutex_);
  if (prometheus::Histogram* known = place.load(std::memory_order_acquire)) return *known;
  made_.push_back(std::make_unique<prometheus::Histogram>(Bounds()));
  place.store(made_.back().get(), std::memory_order_release);
  return *made_.back();
}

void RpcMetrics::Collect(MetricFamilies& to) const {
  for (size_t rpc = 0; rpc < RpcTable().size(); ++rpc) {
    const char* const name = RpcTable()[rpc].name;
    to.Gauge("mixmatch_rpcs_under_way", "Calls being handled.",
             static_cast<double>(under_way_[rpc].load(std::memory_order_relaxed)), {{"rpc", name}});
    for (size_t code = 0; code < kCodes; ++code) {
      const prometheus::Histogram* const known = histograms_[rpc * kCodes + code].load(std::memory_order_acquire);
      if (known == nullptr) continue;
      to.Histogram("mixmatch_rpc_duration_seconds", "Calls by how long they took and how they ended.", known->Collect(),
                   {{"rpc", name}, {"code", absl::StatusCodeToString(static_cast<absl::StatusCode>(code))}});
    }
  }
}

}  // namespace mixmatch::server
