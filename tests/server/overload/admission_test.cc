#include "server/overload/admission.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "server/rpc/retry_after.h"

namespace mixmatch::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int64_t kMost = 1 << 30;

class AdmissionTest : public ::testing::Test {
 protected:
  AdmissionTest() : headroom_(Options(), [this] { return now_; }), admission_(headroom_, drain_) {}

  static OverloadOptions Options() {
    OverloadOptions options;
    options.max_memory_bytes = kMost;
    options.min_free_bytes = 1 << 20;
    options.min_free_share = 0.0;
    return options;
  }

  void Set(double memory_share, int64_t disk_free) {
    now_ = {static_cast<int64_t>(memory_share * kMost), disk_free, 1 << 30};
    headroom_.ReadNow();
  }

  // Whether a call is let in; it has left when this returns.
  absl::Status Try(const char* rpc) {
    grpc::ServerContext context;
    Call call{RpcNamed(rpc), context, absl::Now(), {}};
    const absl::Status status = admission_.Admit(call);
    if (status.ok()) admission_.Left(call);
    return status;
  }

  ResourceReading now_{0, 1 << 29, 1 << 30};
  Headroom headroom_;
  Drain drain_;
  Admission admission_;
};

TEST_F(AdmissionTest, EveryRpcIsLetInWhereThereIsRoom) {
  for (const Rpc& rpc : RpcTable()) EXPECT_TRUE(Try(rpc.name).ok()) << rpc.name;
}

TEST_F(AdmissionTest, AFullDiskRefusesWhatWritesAndSaysWhenToComeAgainButLetsDeleteAndRead) {
  Set(0.1, 1 << 10);
  for (const char* rpc : {"ItemService/Upload", "ItemService/Live", "EventService/Link", "AdminService/Reindex"}) {
    const absl::Status status = Try(rpc);
    EXPECT_TRUE(absl::IsResourceExhausted(status)) << rpc << " " << status;
    EXPECT_GT(RetryAfter(status), absl::ZeroDuration()) << rpc;
    EXPECT_THAT(std::string(status.message()), HasSubstr("--min-free-bytes"));
  }
  for (const char* rpc : {"ItemService/Delete", "AccessService/RevokeToken", "LearningService/Pause"}) {
    EXPECT_TRUE(Try(rpc).ok()) << rpc;
  }
  for (const Rpc& rpc : RpcTable()) {
    if (rpc.writes) continue;
    EXPECT_TRUE(Try(rpc.name).ok()) << rpc.name;
  }
  EXPECT_EQ(admission_.refusals().disk, 4u);
  Set(0.1, 1 << 29);
  EXPECT_TRUE(Try("ItemService/Upload").ok()) << "by itself, once there is room";
}

TEST_F(AdmissionTest, LittleMemoryRefusesUploadsFirstThenSearches) {
  Set(0.9, 1 << 29);
  EXPECT_GT(RetryAfter(Try("ItemService/Upload")), absl::ZeroDuration());
  EXPECT_TRUE(Try("SearchService/Search").ok());
  EXPECT_TRUE(Try("EventService/Link").ok());
  Set(0.96, 1 << 29);
  EXPECT_GT(RetryAfter(Try("ItemService/Upload")), absl::ZeroDuration());
  EXPECT_GT(RetryAfter(Try("SearchService/Search")), absl::ZeroDuration());
  EXPECT_GT(RetryAfter(Try("SearchService/BatchSearch")), absl::ZeroDuration());
  EXPECT_TRUE(Try("AdminService/Stats").ok()) << "so that one can see why";
  EXPECT_TRUE(Try("ItemService/Delete").ok()) << "so that it gets better";
  EXPECT_EQ(admission_.refusals().memory, 4u);
}

TEST_F(AdmissionTest, ADrainRefusesEveryWriteAndNothingElseUntilItEnds) {
  std::vector<bool> told;
  drain_.OnChange([&](bool draining) { told.push_back(draining); });
  ASSERT_TRUE(drain_.Begin(absl::InfiniteFuture(), [] { return false; }).ok());
  for (const Rpc& rpc : RpcTable()) {
    const absl::Status status = Try(rpc.name);
    EXPECT_EQ(absl::IsUnavailable(status), rpc.writes) << rpc.name << " " << status;
  }
  ASSERT_TRUE(drain_.Begin(absl::InfiniteFuture(), [] { return false; }).ok()) << "twice is the same";
  drain_.End();
  EXPECT_TRUE(Try("ItemService/Upload").ok());
  EXPECT_THAT(told, ElementsAre(true, false));
}

TEST_F(AdmissionTest, ADrainWaitsForTheWritesUnderWay) {
  grpc::ServerContext context;
  Call write{RpcNamed("ItemService/Upload"), context, absl::Now(), {}};
  ASSERT_TRUE(admission_.Admit(write).ok());
  const absl::Status late = drain_.Begin(absl::Now(), [] { return false; });
  EXPECT_TRUE(absl::IsDeadlineExceeded(late)) << late;
  EXPECT_THAT(std::string(late.message()), HasSubstr("1 writes"));
  EXPECT_TRUE(absl::IsCancelled(drain_.Begin(absl::InfiniteFuture(), [] { return true; })));
  EXPECT_TRUE(drain_.draining()) << "all the same";
  absl::Status drained = absl::UnknownError("not yet");
  std::thread waiting([&] { drained = drain_.Begin(absl::InfiniteFuture(), [] { return false; }); });
  admission_.Left(write);
  waiting.join();
  EXPECT_TRUE(drained.ok()) << drained;
}

}  // namespace
}  // namespace mixmatch::server
