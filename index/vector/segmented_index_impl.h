// The SegmentedIndex: what its source files share.
#ifndef MIXMATCH_INDEX_VECTOR_SEGMENTED_INDEX_IMPL_H_
#define MIXMATCH_INDEX_VECTOR_SEGMENTED_INDEX_IMPL_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/vector/flat/flat_index.h"
#include "index/vector/query_sample.h"
#include "index/vector/recall.h"
#include "index/vector/segment.h"
#include "index/vector/segmented_index.h"

namespace mixmatch::index {

// A graph whose searches must be so many times as broad as when it was new is built anew.
inline constexpr double kWornOut = 1.3;

// INVALID_ARGUMENT: a value out of its range.
absl::Status CheckOptions(const SegmentedIndexOptions& options);

using Segments = std::vector<std::shared_ptr<const Segment>>;

// What one search looks at. A part is live in one place of it, but for the moment in which an upsert moves it from a segment
// to the memtable: then it is in both, and the memtable's vector is the valid one. So readers look into the segments first.
struct IndexState {
  Segments segments;
  std::shared_ptr<FlatIndex> memtable;

  int64_t live() const;
};

class SegmentedIndexImpl : public SegmentedIndex {
 public:
  SegmentedIndexImpl(const SegmentedIndexOptions& options, uint64_t generation, IndexState state)
      : options_(options), generation_(generation), state_(std::make_shared<IndexState>(std::move(state))) {}

  absl::Status Upsert(PartId id, absl::Span<const float> vector) override;
  absl::Status Remove(PartId id) override;
  absl::StatusOr<std::vector<float>> Get(PartId id) const override;
  absl::StatusOr<std::vector<Neighbor>> Search(absl::Span<const float> query,
                                               const SearchOptions& options) const override;
  int dim() const override { return options_.dim; }
  int64_t size() const override { return state()->live(); }

  absl::StatusOr<std::shared_ptr<SegmentedIndex>> Refreshed(uint64_t generation, absl::Span<const PartId> ids,
                                                            absl::Span<const float> vectors) const override;
  absl::StatusOr<bool> Maintain() override;
  void StopMaintaining() override { stop_ = true; }
  absl::Status Save(absl::string_view directory) const override;
  void ForEach(const std::function<bool(PartId, absl::Span<const float>)>& visit) const override;
  uint64_t generation() const override { return generation_; }
  SegmentedIndexStats stats() const override;

 private:
  std::shared_ptr<const IndexState> state() const {
    std::lock_guard<std::mutex> lock(state_mutex_);
    return state_;
  }
  void SetState(IndexState state) {
    auto fresh = std::make_shared<const IndexState>(std::move(state));
    std::lock_guard<std::mutex> lock(state_mutex_);
    state_.swap(fresh);
  }

  // How a search goes about the segments.
  SegmentSearch Plan(const IndexState& state, const float* padded_query, const SearchOptions& options) const;
  // One attempt, the last or not; `again` is set if a writer moved a hit meanwhile.
  absl::StatusOr<std::vector<Neighbor>> SearchOnce(const float* padded_query, const SearchOptions& options, bool last,
                                                   bool* again) const;

  // Of segments with a graph, for an index of so many vectors.
  Storage StorageFor(int64_t live) const {
    if (options_.storage != Storage::kAuto) return options_.storage;
    return live >= options_.disk_from ? Storage::kInt8Disk : Storage::kInt8;
  }
  double AimedRecall() const;

  bool Freeze();
  absl::StatusOr<bool> MaintainSegment(const std::shared_ptr<const Segment>& segment, int64_t live);
  absl::StatusOr<bool> BuildGraph(const std::shared_ptr<const Segment>& segment);
  // Makes one segment of the live rows of these; with a graph all anew if `anew`.
  absl::StatusOr<bool> Rewrite(const Segments& sources, bool anew);
  absl::StatusOr<bool> MoveToDisk(const std::shared_ptr<const Segment>& segment);
  // The segment with new vectors and its old graph, null if that does not do any more; marks in `taken` what is in it.
  absl::StatusOr<std::shared_ptr<const Segment>> RefreshedSegment(const Segment& old, absl::Span<const PartId> ids,
                                                                  absl::Span<const float> vectors,
                                                                  std::vector<bool>& taken) const;
  absl::StatusOr<SegmentGraph> NewGraph(const Rows& rows) const;
  // A graph over `rows` that begins with that of `old`, whose row i is now row now_at[i] or gone (-1).
  absl::StatusOr<SegmentGraph> GrownGraph(const Rows& rows, const SegmentGraph& old,
                                          const std::vector<int32_t>& now_at) const;
  bool CanGrow(const Segment& segment) const;
  absl::StatusOr<Rows> RowsOnDisk(const Rows& rows) const;
  // The breadth that searches of a new segment need.
  int CalibratedEf(const Segment& segment) const;
  // Measures the recall of all graphs; true if it made searches broader or has found a graph to be rebuilt, in `worst`.
  void Probe(const Segments& segments, std::shared_ptr<const Segment>* worn);
  void Replace(const std::shared_ptr<const Segment>& old, std::shared_ptr<const Segment> fresh);

  const SegmentedIndexOptions options_;
  const uint64_t generation_;
  std::atomic<bool> stop_{false};
  std::mutex maintain_mutex_;        // Held through Maintain(); taken before the next.
  mutable std::mutex writer_mutex_;  // Serializes writes to the memtable, tombstones and changes of state_.
  mutable std::mutex state_mutex_;   // Guards the pointer state_; held for its copying alone.
  std::shared_ptr<const IndexState> state_;

  mutable QuerySample recent_;  // Some of the last searches.
  std::atomic<double> recall_{-1.0};
  std::atomic<int64_t> probes_{0}, builds_{0};
  std::atomic<int64_t> writes_{0};
  // Guarded by maintain_mutex_:
  int64_t probed_writes_ = 0, probed_searches_ = 0;
  std::chrono::steady_clock::time_point next_probe_{};
};

}  // namespace mixmatch::index

#endif  // MIXMATCH_INDEX_VECTOR_SEGMENTED_INDEX_IMPL_H_
