#include "server/encode_batcher.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "tests/server/rooms.h"

namespace mixmatch::server {
namespace {

TEST(EncodeBatcherTest, OneSearchIsEncodedAtOnceAsTheEncoderDoes) {
  SearchGate gate(2, 8);
  EncodeBatcher batcher(gate, absl::ZeroDuration());
  const auto serving = MakeServing(1, 1);
  EncodedPart part = RawPart(1);
  ASSERT_TRUE(batcher.Encode(serving, absl::MakeSpan(&part, 1), {}).ok());
  EXPECT_EQ(part.vector, EncodedBy(serving->encoder, 1).vector);
  EXPECT_EQ(batcher.batches(), 1u);
}

TEST(EncodeBatcherTest, SearchesThatWaitForATurnAreEncodedTogetherEachAsAlone) {
  constexpr int kSearches = 6;
  SearchGate gate(1, 8);
  EncodeBatcher batcher(gate, absl::ZeroDuration());
  const auto serving = MakeServing(1, 1);
  std::optional<absl::StatusOr<SearchGate::Turn>> held(gate.Enter({}));
  std::vector<EncodedPart> parts;
  for (int i = 0; i < kSearches; ++i) parts.push_back(RawPart(i + 1));
  std::atomic<int> waiting{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kSearches; ++i) {
    threads.emplace_back([&, i] {
      SearchCall call;
      int looks = 0;
      call.cancelled = [&] {
        if (++looks == 2) ++waiting;  // The first look is when it comes, the second as it waits.
        return false;
      };
      EXPECT_TRUE(batcher.Encode(serving, absl::MakeSpan(&parts[i], 1), call).ok());
    });
  }
  while (waiting < kSearches) std::this_thread::yield();
  held.reset();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(batcher.batches(), 1u);
  EXPECT_EQ(batcher.encoded(), static_cast<uint64_t>(kSearches));
  for (int i = 0; i < kSearches; ++i) {
    const std::vector<float> alone = EncodedBy(serving->encoder, i + 1).vector;
    ASSERT_EQ(parts[i].vector.size(), alone.size());
    for (size_t j = 0; j < alone.size(); ++j) EXPECT_NEAR(parts[i].vector[j], alone[j], 1e-3) << i;
  }
}

TEST(EncodeBatcherTest, SearchesOfTwoGenerationsAreNotMixed) {
  SearchGate gate(1, 8);
  EncodeBatcher batcher(gate, absl::ZeroDuration());
  const auto one = MakeServing(1, 1), two = MakeServing(2, 2);
  std::optional<absl::StatusOr<SearchGate::Turn>> held(gate.Enter({}));
  std::vector<EncodedPart> parts = {RawPart(7), RawPart(7)};
  std::atomic<int> waiting{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&, i] {
      SearchCall call;
      int looks = 0;
      call.cancelled = [&] {
        if (++looks == 2) ++waiting;
        return false;
      };
      EXPECT_TRUE(batcher.Encode(i == 0 ? one : two, absl::MakeSpan(&parts[i], 1), call).ok());
    });
  }
  while (waiting < 2) std::this_thread::yield();
  held.reset();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(parts[0].vector, EncodedBy(one->encoder, 7).vector);
  EXPECT_EQ(parts[1].vector, EncodedBy(two->encoder, 7).vector);
}

TEST(EncodeBatcherTest, ASearchThatIsCancelledWhileItWaitsIsNotEncoded) {
  SearchGate gate(1, 8);
  EncodeBatcher batcher(gate, absl::ZeroDuration());
  const auto serving = MakeServing(1, 1);
  const auto held = gate.Enter({});
  EncodedPart part = RawPart(1);
  EXPECT_TRUE(absl::IsDeadlineExceeded(
      batcher.Encode(serving, absl::MakeSpan(&part, 1), {nullptr, absl::Now() + absl::Milliseconds(5)})));
  EXPECT_TRUE(part.vector.empty());
  EXPECT_EQ(batcher.batches(), 0u);
}

TEST(EncodeBatcherTest, ASearchWithoutContentNeedsNoTurn) {
  SearchGate gate(1, 8);
  EncodeBatcher batcher(gate, absl::ZeroDuration());
  const auto held = gate.Enter({});
  EXPECT_TRUE(batcher.Encode(MakeServing(1, 1), {}, {}).ok());
}

}  // namespace
}  // namespace mixmatch::server
