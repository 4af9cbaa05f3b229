#include "server/live_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/server/rooms.h"

namespace mixmatch::server {
namespace {

const int kText = model::SlotOf(model::Modality::kText);

absl::Status Commit(const Serving&, absl::Span<const EncodedPart>) { return absl::OkStatus(); }

absl::Status AddPart(LiveIndex& live, uint64_t part_id) {
  const auto serving = live.Current();
  return live.Add({EncodedBy(serving->encoder, part_id)}, serving->generation, Commit);
}

absl::Status RemovePart(LiveIndex& live, uint64_t part_id) {
  const std::pair<int, uint64_t> key(kText, part_id);
  return live.Remove({key}, [] { return absl::OkStatus(); });
}

std::vector<float> Find(const LiveIndex& live, uint64_t part_id) {
  auto vector = live.Current()->slots[kText]->Get(part_id);
  return vector.ok() ? *vector : std::vector<float>();
}

TEST(LiveIndexTest, AnAddedPartCanBeFoundAndARemovedOneCannot) {
  LiveIndex live(MakeServing(1, 1));
  ASSERT_TRUE(AddPart(live, 5).ok());
  EXPECT_EQ(Find(live, 5), EncodedBy(MakeEncoder(1), 5).vector);
  ASSERT_TRUE(RemovePart(live, 5).ok());
  EXPECT_TRUE(Find(live, 5).empty());
}

TEST(LiveIndexTest, APartThatIsRemovedAsSoonAsItIsCommittedIsGone) {
  LiveIndex live(MakeServing(1, 1));
  std::atomic<bool> removed{false};
  std::thread remover;
  ASSERT_TRUE(live.Add({EncodedBy(MakeEncoder(1), 5)}, 1, [&](const Serving&, absl::Span<const EncodedPart>) {
                    remover = std::thread([&] {
                      EXPECT_TRUE(RemovePart(live, 5).ok());
                      removed = true;
                    });
                    // It either waits for this, or would have been overtaken by it.
                    for (int i = 0; i < 100 && !removed; ++i) absl::SleepFor(absl::Milliseconds(2));
                    return absl::OkStatus();
                  }).ok());
  remover.join();
  EXPECT_TRUE(Find(live, 5).empty());
}

TEST(LiveIndexTest, NothingIsSearchableWhenTheCommitFails) {
  LiveIndex live(MakeServing(1, 1));
  const absl::Status status = live.Add({EncodedBy(MakeEncoder(1), 5)}, 1, [](const Serving&, absl::Span<const EncodedPart>) {
    return absl::DataLossError("disk");
  });
  EXPECT_EQ(status, absl::DataLossError("disk"));
  EXPECT_TRUE(Find(live, 5).empty());
}

TEST(LiveIndexTest, NothingIsRemovedWhenTheCommitFails) {
  LiveIndex live(MakeServing(1, 1));
  ASSERT_TRUE(AddPart(live, 5).ok());
  const std::pair<int, uint64_t> key(kText, 5);
  EXPECT_FALSE(live.Remove({key}, [] { return absl::DataLossError("disk"); }).ok());
  EXPECT_FALSE(Find(live, 5).empty());
}

TEST(LiveIndexTest, APartEncodedByAnOlderGenerationIsBroughtToTheCurrentOneBeforeItIsCommitted) {
  LiveIndex live(MakeServing(2, 22));
  std::vector<float> committed;
  ASSERT_TRUE(live.Add({EncodedBy(MakeEncoder(11), 5)}, 1, [&](const Serving& serving, absl::Span<const EncodedPart> parts) {
                    EXPECT_EQ(serving.generation, 2u);
                    committed = parts[0].vector;
                    return absl::OkStatus();
                  }).ok());
  EXPECT_EQ(committed, EncodedBy(MakeEncoder(22), 5).vector);
  EXPECT_EQ(Find(live, 5), committed);
}

TEST(LiveIndexTest, APartAddedDuringAPublicationReachesTheNextGenerationInItsSpace) {
  LiveIndex live(MakeServing(1, 1));
  live.BeginPublication();
  ASSERT_TRUE(AddPart(live, 5).ok());
  ASSERT_TRUE(live.FinishPublication(MakeServing(2, 2)).ok());
  EXPECT_EQ(live.Current()->generation, 2u);
  EXPECT_EQ(Find(live, 5), EncodedBy(MakeEncoder(2), 5).vector);
}

TEST(LiveIndexTest, APartRemovedDuringAPublicationIsGoneFromTheNextGeneration) {
  LiveIndex live(MakeServing(1, 1));
  ASSERT_TRUE(AddPart(live, 5).ok());
  live.BeginPublication();
  auto next = MakeServing(2, 2);
  ASSERT_TRUE(next->slots[kText]->Upsert(5, EncodedBy(next->encoder, 5).vector).ok());
  ASSERT_TRUE(RemovePart(live, 5).ok());
  ASSERT_TRUE(live.FinishPublication(next).ok());
  EXPECT_TRUE(Find(live, 5).empty());
}

TEST(LiveIndexTest, ThePartAddedThenRemovedDuringAPublicationIsGone) {
  LiveIndex live(MakeServing(1, 1));
  live.BeginPublication();
  ASSERT_TRUE(AddPart(live, 5).ok());
  ASSERT_TRUE(RemovePart(live, 5).ok());
  ASSERT_TRUE(AddPart(live, 6).ok());
  ASSERT_TRUE(live.FinishPublication(MakeServing(2, 2)).ok());
  EXPECT_TRUE(Find(live, 5).empty());
  EXPECT_FALSE(Find(live, 6).empty());
}

TEST(LiveIndexTest, AnAbandonedPublicationChangesNothing) {
  LiveIndex live(MakeServing(1, 1));
  live.BeginPublication();
  ASSERT_TRUE(AddPart(live, 5).ok());
  live.AbandonPublication();
  EXPECT_EQ(live.Current()->generation, 1u);
  EXPECT_FALSE(Find(live, 5).empty());
}

TEST(LiveIndexTest, ASearchGoesOnWithTheGenerationThatItTook) {
  LiveIndex live(MakeServing(1, 1));
  ASSERT_TRUE(AddPart(live, 5).ok());
  const auto before = live.Current();
  live.BeginPublication();
  ASSERT_TRUE(live.FinishPublication(MakeServing(2, 2)).ok());
  EXPECT_EQ(before->generation, 1u);
  EXPECT_TRUE(before->slots[kText]->Get(5).ok());
}

// The sum of both tests above, with everything at once: what was committed is in the end exactly what can be found, and
// every vector is of the generation that holds it.
TEST(LiveIndexTest, WritesBesideManyPublicationsAreNeitherLostNorMixed) {
  constexpr int kThreads = 3, kParts = 60;
  LiveIndex live(MakeServing(1, 1));
  absl::Mutex mutex;
  std::map<uint64_t, EncodedPart> store;  // As committed, for publications to read.
  std::atomic<bool> writing{true};
  std::thread publisher([&] {
    for (uint64_t generation = 2; writing || generation < 4; ++generation) {
      live.BeginPublication();
      auto next = MakeServing(generation, generation);
      {
        absl::MutexLock lock(&mutex);
        for (auto& [id, stored] : store) {
          EncodedPart part = stored;
          EXPECT_TRUE(next->encoder.MapAll(absl::MakeSpan(&part, 1)).ok());
          EXPECT_TRUE(next->slots[kText]->Upsert(id, part.vector).ok());
        }
      }
      EXPECT_TRUE(live.FinishPublication(next).ok());
    }
  });
  std::vector<std::thread> writers;
  for (uint64_t thread = 0; thread < kThreads; ++thread) {
    writers.emplace_back([&, thread] {
      for (uint64_t i = 0; i < kParts; ++i) {
        const uint64_t id = thread * 1000 + i;
        const auto serving = live.Current();
        EXPECT_TRUE(live.Add({EncodedBy(serving->encoder, id)}, serving->generation,
                             [&](const Serving&, absl::Span<const EncodedPart> parts) {
                               absl::MutexLock lock(&mutex);
                               store[id] = parts[0];
                               return absl::OkStatus();
                             })
                        .ok());
        if (i % 3 != 0) continue;
        const std::pair<int, uint64_t> key(kText, id);
        EXPECT_TRUE(live.Remove({key}, [&] {
                          absl::MutexLock lock(&mutex);
                          store.erase(id);
                          return absl::OkStatus();
                        }).ok());
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  writing = false;
  publisher.join();
  const auto serving = live.Current();
  EXPECT_EQ(serving->slots[kText]->size(), kThreads * kParts * 2 / 3);
  serving->slots[kText]->ForEach([&](uint64_t id, absl::Span<const float> vector) {
    EXPECT_TRUE(store.count(id)) << id;
    EncodedPart part = store[id];
    EXPECT_TRUE(serving->encoder.MapAll(absl::MakeSpan(&part, 1)).ok());
    for (size_t i = 0; i < vector.size(); ++i) EXPECT_NEAR(vector[i], part.vector[i], 1e-4) << id;
    return true;
  });
}

}  // namespace
}  // namespace mixmatch::server
