#include "server/telemetry/rpc_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace mixmatch::server {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Text(const RpcMetrics& metrics) {
  MetricFamilies families;
  metrics.Collect(families);
  return families.Text();
}

TEST(RpcMetricsTest, CountsEachCallByItsEndWithItsTime) {
  RpcMetrics metrics;
  grpc::ServerContext context;
  Call call{RpcNamed("ItemService/Get"), context, absl::Now(), {}};
  metrics.Began(call);
  EXPECT_THAT(Text(metrics), HasSubstr("mixmatch_rpcs_under_way{rpc=\"ItemService/Get\"} 1"));
  metrics.Ended(call, absl::OkStatus(), absl::Milliseconds(3));
  metrics.Began(call);
  metrics.Ended(call, absl::NotFoundError("item_id"), absl::Milliseconds(1));
  const std::string text = Text(metrics);
  EXPECT_THAT(text, HasSubstr("mixmatch_rpcs_under_way{rpc=\"ItemService/Get\"} 0"));
  EXPECT_THAT(text, HasSubstr("mixmatch_rpc_duration_seconds_count{rpc=\"ItemService/Get\",code=\"OK\"} 1"));
  EXPECT_THAT(text, HasSubstr("mixmatch_rpc_duration_seconds_count{rpc=\"ItemService/Get\",code=\"NOT_FOUND\"} 1"));
  EXPECT_THAT(text, HasSubstr("mixmatch_rpc_duration_seconds_sum{rpc=\"ItemService/Get\",code=\"OK\"} 0.003"));
  EXPECT_THAT(text, HasSubstr("rpc=\"ItemService/Get\",code=\"OK\",le=\"0.0025\"} 0"));
  EXPECT_THAT(text, HasSubstr("rpc=\"ItemService/Get\",code=\"OK\",le=\"0.005\"} 1"));
  EXPECT_THAT(text, Not(HasSubstr("rpc=\"ItemService/List\",code")));
}

TEST(RpcMetricsTest, LosesNoCallOfManyThreads) {
  RpcMetrics metrics;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      grpc::ServerContext context;
      Call call{RpcNamed("SearchService/Search"), context, absl::Now(), {}};
      for (int n = 0; n < 1000; ++n) {
        metrics.Began(call);
        metrics.Ended(call, absl::OkStatus(), absl::Microseconds(n));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(Text(metrics),
              HasSubstr("mixmatch_rpc_duration_seconds_count{rpc=\"SearchService/Search\",code=\"OK\"} 4000"));
}

}  // namespace
}  // namespace mixmatch::server
