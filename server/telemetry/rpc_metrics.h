// Counts and times calls, by RPC and how they ended.
#ifndef MIXMATCH_SERVER_TELEMETRY_RPC_METRICS_H_
#define MIXMATCH_SERVER_TELEMETRY_RPC_METRICS_H_

#include <atomic>
#include <memory>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "server/rpc/front_door.h"
#include "server/telemetry/metric_families.h"

namespace prometheus {
class Histogram;
}

namespace mixmatch::server {

// Thread-safe. A series appears when the first call of its kind has ended.
class RpcMetrics : public CallObserver {
 public:
  RpcMetrics();
  ~RpcMetrics() override;

  void Began(Call& call) override;
  void Ended(const Call& call, const absl::Status& status, absl::Duration took) override;

  void Collect(MetricFamilies& to) const;

 private:
  static constexpr size_t kCodes = 17;  // Of gRPC, OK among them.
  static size_t Index(const Rpc& rpc) { return &rpc - RpcTable().data(); }
  prometheus::Histogram& Of(size_t rpc, size_t code);

  std::vector<std::atomic<int64_t>> under_way_;                  // By RPC.
  std::vector<std::atomic<prometheus::Histogram*>> histograms_;  // By RPC, then code; null: no such call yet.
  absl::Mutex mutex_;
  std::vector<std::unique_ptr<prometheus::Histogram>> made_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_TELEMETRY_RPC_METRICS_H_
