#include "server/rpc/retry_after.h"
#include "server/search_gate.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"

namespace mixmatch::server {
namespace {

TEST(SearchGateTest, CallsBeyondTheThreadsAndTheWaitingAreRefusedAtOnceWithAHint) {
  SearchGate gate(/*threads=*/2, /*most_waiting=*/1);
  std::vector<SearchGate::Admission> admitted;
  for (int i = 0; i < 3; ++i) {
    auto admission = gate.Admit();
    ASSERT_TRUE(admission.ok()) << i;
    admitted.push_back(*std::move(admission));
  }
  EXPECT_EQ(gate.waiting(), 3);
  const absl::Status refused = gate.Admit().status();
  EXPECT_TRUE(absl::IsResourceExhausted(refused)) << refused;
  EXPECT_GT(RetryAfter(refused), absl::ZeroDuration());
  EXPECT_EQ(gate.refused(), 1u);
  admitted.pop_back();
  EXPECT_TRUE(gate.Admit().ok());
}

TEST(SearchGateTest, OnlyARefusalCarriesAHint) {
  EXPECT_EQ(RetryAfter(absl::ResourceExhaustedError("content: too large")), absl::ZeroDuration());
  EXPECT_EQ(RetryAfter(absl::OkStatus()), absl::ZeroDuration());
}

TEST(SearchGateTest, NoMoreTurnsAreHeldThanThereAreThreads) {
  SearchGate gate(2, 100);
  std::atomic<int> inside{0}, most{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 500; ++round) {
        const auto turn = gate.Enter({});
        ASSERT_TRUE(turn.ok());
        const int now = ++inside;
        for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
        }
        --inside;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(most, 2);
  EXPECT_TRUE(gate.Enter({}).ok()) << "every turn was given back";
}

TEST(SearchGateTest, ACallThatEndedGetsNoTurn) {
  SearchGate gate(1, 1);
  EXPECT_TRUE(absl::IsCancelled(gate.Enter({[] { return true; }, absl::InfiniteFuture()}).status()));
  EXPECT_TRUE(absl::IsDeadlineExceeded(gate.Enter({nullptr, absl::InfinitePast()}).status()));
}

TEST(SearchGateTest, AWaitingCallThatIsCancelledLeavesTheQueue) {
  SearchGate gate(1, 8);
  auto held = std::make_unique<absl::StatusOr<SearchGate::Turn>>(gate.Enter({}));
  ASSERT_TRUE(held->ok());
  std::atomic<bool> looked{false}, cancelled{false};
  SearchCall call;
  call.cancelled = [&] {
    if (cancelled) return true;
    looked = true;  // Not cancelled yet when it began to wait.
    cancelled = true;
    return false;
  };
  EXPECT_TRUE(absl::IsCancelled(gate.Enter(call).status()));
  EXPECT_TRUE(looked);
  held.reset();
  EXPECT_TRUE(gate.Enter({}).ok());
}

TEST(SearchGateTest, AWaitingCallEndsWithItsDeadline) {
  SearchGate gate(1, 8);
  const auto held = gate.Enter({});
  EXPECT_TRUE(absl::IsDeadlineExceeded(gate.Enter({nullptr, absl::Now() + absl::Milliseconds(5)}).status()));
}

TEST(SearchGateTest, TheLongestWaitingIsNext) {
  SearchGate gate(1, 8);
  auto held = std::make_unique<absl::StatusOr<SearchGate::Turn>>(gate.Enter({}));
  absl::Mutex mutex;
  std::vector<int> order;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    // A call is looked at when it comes, and again as it waits: the second look says that it is in the queue.
    auto waits = std::make_shared<absl::Notification>();
    threads.emplace_back([&, i, waits] {
      SearchCall call;
      int looks = 0;
      call.cancelled = [&looks, waits] {
        if (++looks == 2) waits->Notify();
        return false;
      };
      const auto turn = gate.Enter(call);
      absl::MutexLock lock(&mutex);
      order.push_back(i);
    });
    waits->WaitForNotification();
  }
  held.reset();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3}));
}

}  // namespace
}  // namespace mixmatch::server
