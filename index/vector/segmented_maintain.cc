// How the SegmentedIndex builds, rewrites and merges its segments.
#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "index/vector/segmented_index_impl.h"
#include "proto/base/status_macros.h"

namespace mixmatch::index {
namespace {

constexpr size_t kMostSegments = 8;  // Beyond, the smallest are merged.
constexpr size_t kMerged = 4;        // As many at a time.

struct Source {
  PartId id;
  const Segment* segment;
  int64_t row;
};

std::vector<Source> LiveRows(const Segments& segments) {
  std::vector<Source> sources;
  for (const auto& segment : segments) {
    for (int64_t row = 0; row < segment->size(); ++row) {
      if (segment->IsLive(row)) sources.push_back({segment->data().ids[row], segment.get(), row});
    }
  }
  std::sort(sources.begin(), sources.end(), [](const Source& a, const Source& b) { return a.id < b.id; });
  return sources;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const HnswGraph>> SegmentedIndexImpl::NewGraph(const Rows& rows) const {
  return HnswGraph::Build(rows, {options_.hnsw_m, options_.ef_construction, 1}, &stop_);
}

bool SegmentedIndexImpl::Freeze() {
  std::lock_guard<std::mutex> lock(writer_mutex_);
  const std::shared_ptr<const IndexState> now = state();
  if (now->memtable->size() < options_.memtable_limit) return false;
  auto rows = std::make_shared<SegmentRows>(options_.dim);
  now->memtable->CopySorted(rows->ids, rows->rows);
  IndexState next;
  next.segments = now->segments;
  next.segments.push_back(std::make_shared<const Segment>(rows, std::make_shared<Tombstones>(rows->rows.size()), nullptr));
  next.memtable = *FlatIndex::Create(options_.dim);
  SetState(std::move(next));
  return true;
}

absl::StatusOr<bool> SegmentedIndexImpl::BuildGraph(const std::shared_ptr<const Segment>& segment) {
  MIXMATCH_ASSIGN_OR_RETURN(std::shared_ptr<const HnswGraph> graph, NewGraph(segment->data().rows));
  std::lock_guard<std::mutex> lock(writer_mutex_);
  IndexState next = *state();
  std::replace(next.segments.begin(), next.segments.end(), segment, segment->With(std::move(graph)));
  SetState(std::move(next));
  return true;
}

absl::StatusOr<bool> SegmentedIndexImpl::Rewrite(const Segments& sources) {
  const std::vector<Source> live = LiveRows(sources);
  auto rows = std::make_shared<SegmentRows>(options_.dim);
  for (const Source& source : live) {
    rows->ids.push_back(source.id);
    rows->rows.Append(source.segment->data().rows.row(source.row));
  }
  std::shared_ptr<const HnswGraph> graph;
  if (size() >= options_.exact_below && !live.empty()) {
    MIXMATCH_ASSIGN_OR_RETURN(graph, NewGraph(rows->rows));
  }
  std::lock_guard<std::mutex> lock(writer_mutex_);
  auto dead = std::make_shared<Tombstones>(live.size());
  for (size_t i = 0; i < live.size(); ++i) {
    if (!live[i].segment->IsLive(live[i].row)) dead->Set(i);  // Removed or replaced while this was built.
  }
  IndexState next = *state();
  auto is_source = [&](const auto& segment) { return std::find(sources.begin(), sources.end(), segment) != sources.end(); };
  next.segments.erase(std::remove_if(next.segments.begin(), next.segments.end(), is_source), next.segments.end());
  if (!live.empty()) next.segments.push_back(std::make_shared<const Segment>(rows, std::move(dead), std::move(graph)));
  SetState(std::move(next));
  return true;
}

absl::StatusOr<bool> SegmentedIndexImpl::Maintain() {
  std::lock_guard<std::mutex> lock(maintain_mutex_);
  if (stop_) return false;
  const bool frozen = Freeze();
  const std::shared_ptr<const IndexState> now = state();
  absl::StatusOr<bool> did = false;
  for (const auto& segment : now->segments) {
    if (segment->dead() >= options_.tombstone_limit * segment->size()) {
      did = Rewrite({segment});
    } else if (segment->graph() == nullptr && now->live() >= options_.exact_below) {
      did = BuildGraph(segment);
    } else {
      continue;
    }
    if (absl::IsCancelled(did.status())) return frozen;
    MIXMATCH_RETURN_IF_ERROR(did.status());
    return true;
  }
  if (now->segments.size() <= kMostSegments) return frozen;
  Segments smallest = now->segments;
  std::sort(smallest.begin(), smallest.end(), [](const auto& a, const auto& b) { return a->live() < b->live(); });
  smallest.resize(kMerged);
  did = Rewrite(smallest);
  if (absl::IsCancelled(did.status())) return frozen;
  return did;
}

}  // namespace mixmatch::index
