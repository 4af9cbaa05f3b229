#include "server/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>

#include "absl/synchronization/notification.h"

namespace mixmatch::server {
namespace {

TEST(WorkerPoolTest, RunGivesTheStatusOfTheWork) {
  WorkerPool pool(1, 4, 0);
  EXPECT_TRUE(pool.Run([] { return absl::OkStatus(); }).ok());
  EXPECT_EQ(pool.Run([] { return absl::DataLossError("x"); }), absl::DataLossError("x"));
}

TEST(WorkerPoolTest, WorkRunsOnAThreadOfThePool) {
  WorkerPool pool(1, 4, 0);
  std::thread::id id;
  ASSERT_TRUE(pool.Run([&] {
                    id = std::this_thread::get_id();
                    return absl::OkStatus();
                  }).ok());
  EXPECT_NE(id, std::this_thread::get_id());
}

TEST(WorkerPoolTest, EveryJobOfManyCallersRunsOnce) {
  WorkerPool pool(3, 1000, 0);
  std::atomic<int> ran{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 8; ++i) {
    callers.emplace_back([&] {
      for (int j = 0; j < 50; ++j) {
        EXPECT_TRUE(pool.Run([&] {
                          ++ran;
                          return absl::OkStatus();
                        }).ok());
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(ran, 400);
}

TEST(WorkerPoolTest, AFullQueueIsRefusedAndWhatWasTakenIsFinished) {
  std::vector<std::thread> callers;
  absl::Notification busy, go;
  std::atomic<int> done{0}, refused{0};
  {
    WorkerPool pool(1, 1, 0);
    callers.emplace_back([&] {
      EXPECT_TRUE(pool.Run([&] {
                        busy.Notify();
                        go.WaitForNotification();
                        ++done;
                        return absl::OkStatus();
                      }).ok());
    });
    busy.WaitForNotification();
    // One fits in the queue; of two more, at least one is refused, without waiting for the thread.
    for (int i = 0; i < 2; ++i) {
      callers.emplace_back([&] {
        const absl::Status status = pool.Run([&] {
          ++done;
          return absl::OkStatus();
        });
        if (status.ok()) return;
        EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
        ++refused;
        go.Notify();
      });
    }
    for (std::thread& caller : callers) caller.join();
  }
  EXPECT_EQ(refused, 1);
  EXPECT_EQ(done, 2);
}

}  // namespace
}  // namespace mixmatch::server
