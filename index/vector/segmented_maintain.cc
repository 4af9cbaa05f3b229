// How the SegmentedIndex decides what to build, rewrite and merge.
#include <algorithm>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "index/vector/segmented_index_impl.h"
#include "proto/base/status_macros.h"

namespace mixmatch::index {
namespace {

constexpr size_t kMerged = 4;          // As many segments of a tier become one; a tier reaches from a size to 4 times it.
constexpr double kTierBase = 4.0;
constexpr int64_t kFreezeFrom = 1000;  // Vectors.
constexpr int64_t kFreezeShare = 50;   // A share of a 50th of all.
constexpr double kProbeAfter = 0.02;   // Share of the vectors that must have been written since the last probe.
constexpr int64_t kProbeSearches = 1024;
constexpr int kStoredProbes = 64;

// Of segments without graphs: those of the lowest full tier; empty if none is.
Segments FullTier(const Segments& segments, int64_t memtable_limit) {
  std::map<int, Segments> tiers;
  for (const auto& segment : segments) {
    int tier = 0;
    for (double size = memtable_limit * kTierBase; segment->live() >= size; size *= kTierBase) ++tier;
    tiers[tier].push_back(segment);
  }
  for (auto& [tier, members] : tiers) {
    if (members.size() >= kMerged) return members;
  }
  return {};
}

}  // namespace

bool SegmentedIndexImpl::Freeze() {
  std::lock_guard<std::mutex> lock(writer_mutex_);
  const std::shared_ptr<const IndexState> now = state();
  int64_t limit = options_.memtable_limit;
  // Where a graph can take the vectors in, a scan of more than a few of them would cost the most of a search.
  if (now->live() >= options_.exact_below) limit = std::min(limit, std::max(kFreezeFrom, now->live() / kFreezeShare));
  if (now->memtable->size() < limit) return false;
  auto rows = std::make_shared<SegmentRows>(options_.dim);
  std::shared_ptr<const Sketches> sketches = now->memtable->CopySorted(rows->ids, rows->rows);
  auto dead = std::make_shared<Tombstones>(rows->rows.size());
  IndexState next;
  next.segments = now->segments;
  next.segments.push_back(Segment::Flat(std::move(rows), std::move(dead), std::move(sketches)));
  next.memtable = *FlatIndex::Create(options_.dim);
  SetState(std::move(next));
  return true;
}

void SegmentedIndexImpl::Probe(const Segments& segments, std::shared_ptr<const Segment>* worn) {
  const auto now = std::chrono::steady_clock::now();
  const int64_t writes = writes_, searches = recent_.offered();
  const bool due = probes_ == 0 || writes - probed_writes_ >= kProbeAfter * size() ||
                   searches - probed_searches_ >= kProbeSearches;
  if (!due || now < next_probe_) return;
  next_probe_ = now + std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                          std::chrono::duration<double>(options_.probe_seconds));
  probed_writes_ = writes;
  probed_searches_ = searches;
  double found = 0, asked = 0;
  for (const auto& segment : segments) {
    if (!segment->has_graph() || segment->live() == 0) continue;
    const RecallProbe probe(*segment, kStoredProbes, recent_.Copy());
    double recall = probe.Recall(*segment, options_.ef_search, options_.rescore);
    if (options_.ef_search == 0 && recall < options_.target_recall) {
      const int ef = probe.SmallestEf(*segment, AimedRecall(), options_.rescore);
      segment->set_ef(std::max(ef, segment->ef()));
      recall = probe.Recall(*segment, 0, options_.rescore);
      const bool has_worn = segment->dead() > 0 || segment->graph().worn;
      if (has_worn && segment->ef() > kWornOut * segment->graph().fresh_ef) *worn = segment;
    }
    found += recall * segment->live();
    asked += segment->live();
  }
  if (asked == 0) return;
  recall_ = found / asked;
  ++probes_;
}

absl::StatusOr<bool> SegmentedIndexImpl::MaintainSegment(const std::shared_ptr<const Segment>& segment, int64_t live) {
  if (segment->dead() > 0 && segment->dead() >= options_.tombstone_limit * segment->size()) return Rewrite({segment}, false);
  if (live < options_.exact_below) return false;
  if (!segment->has_graph()) return BuildGraph(segment);
  if (!segment->data().rows.on_disk() && StorageFor(live) == Storage::kInt8Disk) return MoveToDisk(segment);
  return false;
}

absl::StatusOr<bool> SegmentedIndexImpl::Maintain() {
  std::lock_guard<std::mutex> lock(maintain_mutex_);
  if (stop_) return false;
  const bool frozen = Freeze();
  const std::shared_ptr<const IndexState> now = state();
  // Merging comes first: a graph of a segment that is about to be merged would be built in vain. Graphs take smaller segments
  // in at the cost of adding these, so one segment is all there is.
  const bool graphs = now->live() >= options_.exact_below;
  Segments merged = FullTier(now->segments, options_.memtable_limit);
  if (graphs && now->segments.size() > 1) merged = now->segments;
  absl::StatusOr<bool> did = false;
  if (!merged.empty()) did = Rewrite(merged, false);
  for (const auto& segment : now->segments) {
    if (did.ok() && !*did) did = MaintainSegment(segment, now->live());
  }
  if (did.ok() && !*did && !frozen) {
    std::shared_ptr<const Segment> worn;
    Probe(now->segments, &worn);
    if (worn != nullptr) did = Rewrite({worn}, true);
  }
  if (absl::IsCancelled(did.status())) return frozen;
  MIXMATCH_RETURN_IF_ERROR(did.status());
  return frozen || *did;
}

}  // namespace mixmatch::index
