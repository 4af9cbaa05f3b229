#include "server/operations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"

namespace mixmatch::server {
namespace {

using ::testing::HasSubstr;

class OperationsTest : public testing::Test {
 protected:
  OperationsTest() {
    directory_ = testing::TempDir() + "/operations";
    std::filesystem::remove_all(directory_);
    store_ = index::Store::Open({directory_}).value();
  }
  ~OperationsTest() override {
    store_.reset();
    std::filesystem::remove_all(directory_);
  }
  static v1::Operation WaitEnd(const Operations& operations, const std::string& id) {
    return operations.Wait(id, absl::Now() + absl::Seconds(60)).value();
  }
  // Work that runs until it is to stop.
  static absl::Status Endless(OperationRun& run) { return run.Rest(absl::InfiniteDuration()); }

  std::string directory_;
  std::unique_ptr<index::Store> store_;
};

TEST_F(OperationsTest, OneThatEndsSaysWhatItDidAndAfterARestartToo) {
  {
    Operations operations(*store_);
    operations.Add("count", [](OperationRun& run) {
      run.SetProgress(3, 3);
      for (int i = 0; i < 1005; ++i) run.AddFinding(v1::Finding());
      return absl::OkStatus();
    });
    ASSERT_TRUE(operations.Start().ok());
    EXPECT_EQ(operations.Begin("count", {})->operation_id(), "count-1");
    EXPECT_EQ(WaitEnd(operations, "count-1").state(), v1::OPERATION_STATE_SUCCEEDED);
  }
  Operations operations(*store_);
  ASSERT_TRUE(operations.Start().ok());
  const v1::Operation ended = operations.Get("count-1").value();
  EXPECT_EQ(ended.done(), 3u);
  EXPECT_EQ(ended.findings_size(), 1000);
  EXPECT_EQ(ended.findings_total(), 1005u);
  EXPECT_TRUE(absl::IsNotFound(operations.Get("other-1").status()));
}

TEST_F(OperationsTest, OneRunsAtATimeAndACancelledOneMakesRoom) {
  Operations operations(*store_);
  operations.Add("wait", Endless);
  ASSERT_TRUE(operations.Start().ok());
  ASSERT_TRUE(operations.Begin("wait", {}).ok());
  const absl::Status refused = operations.Begin("wait", {}).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(refused));
  EXPECT_THAT(refused.message(), HasSubstr("wait-1"));
  ASSERT_TRUE(operations.Cancel("wait-1").ok());
  EXPECT_EQ(WaitEnd(operations, "wait-1").state(), v1::OPERATION_STATE_CANCELLED);
  const auto next = operations.Begin("wait", {});
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_EQ(operations.Get(next->operation_id())->state(), v1::OPERATION_STATE_RUNNING) << "the cancel was of the other";
}

TEST_F(OperationsTest, OneThatRanWhenTheServerStoppedGoesOnWhereItNotedIfItsKindIsKnown) {
  {
    Operations operations(*store_);
    absl::Notification noted;
    operations.Add("walk", [&](OperationRun& run) {
      EXPECT_TRUE(run.Note(17).ok());
      noted.Notify();
      return Endless(run);
    });
    ASSERT_TRUE(operations.Start().ok());
    ASSERT_TRUE(operations.Begin("walk", {}).ok());
    noted.WaitForNotification();
  }
  {
    Operations operations(*store_);
    absl::Notification resumed;
    operations.Add("walk", [&](OperationRun& run) {
      EXPECT_EQ(run.record().next_part_id(), 17u);
      resumed.Notify();
      return Endless(run);
    });
    ASSERT_TRUE(operations.Start().ok());
    resumed.WaitForNotification();
    EXPECT_EQ(operations.Get("walk-1")->resumed(), 1u);
  }
  Operations operations(*store_);
  ASSERT_TRUE(operations.Start().ok());
  EXPECT_EQ(operations.Get("walk-1")->state(), v1::OPERATION_STATE_FAILED);
  EXPECT_THAT(operations.Get("walk-1")->error(), HasSubstr("begin it again"));
}

}  // namespace
}  // namespace mixmatch::server
