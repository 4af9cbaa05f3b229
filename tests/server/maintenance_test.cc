#include "server/maintenance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <utility>

#include "absl/synchronization/notification.h"
#include "tests/server/rooms.h"

namespace mixmatch::server {
namespace {

// An index that holds nothing and does what it is told when it is maintained.
class ToldIndex : public index::SegmentedIndex {
 public:
  explicit ToldIndex(std::function<void()> maintain) : maintain_(std::move(maintain)) {}

  absl::StatusOr<bool> Maintain() override {
    maintain_();
    return false;
  }
  void StopMaintaining() override { stopped_ = true; }
  bool stopped() const { return stopped_; }
  absl::Status Upsert(index::PartId, absl::Span<const float>) override { return absl::OkStatus(); }
  absl::Status Remove(index::PartId) override { return absl::OkStatus(); }
  absl::StatusOr<std::vector<float>> Get(index::PartId) const override { return absl::NotFoundError(""); }
  absl::StatusOr<std::vector<index::Neighbor>> Search(absl::Span<const float>, const index::SearchOptions&) const override {
    return std::vector<index::Neighbor>();
  }
  int dim() const override { return 2; }
  int64_t size() const override { return 0; }
  absl::StatusOr<std::shared_ptr<index::SegmentedIndex>> Refreshed(uint64_t, absl::Span<const index::PartId>,
                                                                   absl::Span<const float>) const override {
    return absl::UnimplementedError("");
  }
  absl::Status Save(absl::string_view) const override { return absl::OkStatus(); }
  void ForEach(const std::function<bool(index::PartId, absl::Span<const float>)>&) const override {}
  uint64_t generation() const override { return 1; }
  index::SegmentedIndexStats stats() const override { return {}; }

 private:
  const std::function<void()> maintain_;
  std::atomic<bool> stopped_{false};
};

TEST(MaintenanceTest, AGenerationThatIsReplacedMeanwhileLivesUntilItsIndexesAreDone) {
  std::weak_ptr<const Serving> first;
  LiveIndex* live = nullptr;
  bool alive = false;
  absl::Notification done;
  auto serving = std::make_shared<Serving>(Serving{1, MakeEncoder(1), {}});
  serving->slots.push_back(std::make_shared<ToldIndex>([&] {
    live->BeginPublication();
    ASSERT_TRUE(live->FinishPublication(MakeServing(2, 2)).ok());
  }));
  serving->slots.push_back(std::make_shared<ToldIndex>([&] {
    alive = !first.expired();
    done.Notify();
  }));
  first = serving;
  LiveIndex index(std::move(serving));
  live = &index;
  Maintenance maintenance(index);
  maintenance.Start();
  EXPECT_TRUE(done.WaitForNotificationWithTimeout(absl::Seconds(60)));
  maintenance.Stop();
  EXPECT_TRUE(alive);
  EXPECT_TRUE(first.expired());
}

TEST(MaintenanceTest, IndexesOfAReplacedGenerationAreMaintainedNoMore) {
  auto serving = std::make_shared<Serving>(Serving{1, MakeEncoder(1), {}});
  const auto old = std::make_shared<ToldIndex>([] {});
  serving->slots.push_back(old);
  LiveIndex live(std::move(serving));
  live.BeginPublication();
  EXPECT_FALSE(old->stopped());
  ASSERT_TRUE(live.FinishPublication(MakeServing(2, 2)).ok());
  EXPECT_TRUE(old->stopped());
}

}  // namespace
}  // namespace mixmatch::server
