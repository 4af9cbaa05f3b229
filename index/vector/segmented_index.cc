#include "index/vector/segmented_index.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "index/vector/segmented_index_impl.h"
#include "index/vector/validate.h"
#include "proto/base/status_macros.h"

namespace mixmatch::index {

int64_t IndexState::live() const {
  int64_t live = 0;
  for (const auto& segment : segments) live += segment->live();
  return live + memtable->size();
}

absl::Status CheckOptions(const SegmentedIndexOptions& options) {
  if (options.memtable_limit < 1 || options.hnsw_m < 2 || options.hnsw_m > 512 || options.ef_construction < 1 ||
      options.ef_search < 0 || !(options.tombstone_limit > 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat("index: memtable_limit, ef_construction and tombstone_limit must be above 0, ef_search 0 or more and "
                     "hnsw_m in 2 to 512; got ", options.memtable_limit, ", ", options.ef_construction, ", ",
                     options.tombstone_limit, ", ", options.ef_search, ", ", options.hnsw_m));
  }
  if (!(options.target_recall > 0 && options.target_recall <= 1) || !(options.rescore >= 1) ||
      options.build_threads < 1 || options.build_threads > 256) {
    return absl::InvalidArgumentError(
        absl::StrCat("index: target_recall must be above 0 and at most 1, rescore 1 or more and build_threads in 1 to 256; "
                     "got ", options.target_recall, ", ", options.rescore, ", ", options.build_threads));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<SegmentedIndex>> SegmentedIndex::Create(const SegmentedIndexOptions& options,
                                                                       uint64_t generation) {
  MIXMATCH_ASSIGN_OR_RETURN(std::shared_ptr<FlatIndex> memtable, FlatIndex::Create(options.dim));
  MIXMATCH_RETURN_IF_ERROR(CheckOptions(options));
  return std::make_shared<SegmentedIndexImpl>(options, generation, IndexState{{}, std::move(memtable)});
}

absl::Status SegmentedIndexImpl::Upsert(PartId id, absl::Span<const float> vector) {
  std::lock_guard<std::mutex> lock(writer_mutex_);
  const std::shared_ptr<const IndexState> now = state();
  MIXMATCH_RETURN_IF_ERROR(now->memtable->Upsert(id, vector));
  for (const auto& segment : now->segments) segment->Kill(id);
  ++writes_;
  return absl::OkStatus();
}

absl::Status SegmentedIndexImpl::Remove(PartId id) {
  std::lock_guard<std::mutex> lock(writer_mutex_);
  const std::shared_ptr<const IndexState> now = state();
  bool found = now->memtable->Remove(id).ok();
  for (const auto& segment : now->segments) found |= segment->Kill(id);
  ++writes_;
  return found ? absl::OkStatus() : NoSuchPart(id);
}

absl::StatusOr<std::vector<float>> SegmentedIndexImpl::Get(PartId id) const {
  const std::shared_ptr<const IndexState> now = state();
  absl::StatusOr<std::vector<float>> found = NoSuchPart(id);
  for (const auto& segment : now->segments) {
    const int64_t row = segment->Find(id);
    if (row < 0) continue;
    const Rows& rows = segment->data().rows;
    const AlignedFloats buffer = NewAlignedFloats(rows.stride());
    const float* vector = rows.Fetch(row, buffer.get());
    found = std::vector<float>(vector, vector + rows.dim());
  }
  absl::StatusOr<std::vector<float>> newer = now->memtable->Get(id);
  return newer.ok() ? std::move(newer) : std::move(found);
}

namespace {

// About what share of the segments' live rows the filter lets through, from an even sample.
double SampledShare(const Segments& segments, const PartFilter& filter) {
  constexpr int64_t kSample = 128;
  int64_t asked = 0, passed = 0;
  for (const auto& segment : segments) {
    const int64_t step = std::max<int64_t>(1, segment->size() * static_cast<int64_t>(segments.size()) / kSample);
    for (int64_t row = 0; row < segment->size(); row += step) {
      if (!segment->IsLive(row)) continue;
      ++asked;
      passed += filter(segment->data().ids[row]);
    }
  }
  return asked == 0 ? 1.0 : static_cast<double>(passed) / asked;
}

}  // namespace

SegmentSearch SegmentedIndexImpl::Plan(const IndexState& state, const float* padded_query,
                                       const SearchOptions& options) const {
  const int64_t live = state.live();
  SegmentSearch plan;
  plan.padded_query = padded_query;
  plan.k = std::min(options.k, live);
  plan.ef = options.ef_search > 0 ? options.ef_search : options_.ef_search;
  plan.filter = options.filter;
  plan.rescore = options_.rescore;
  plan.stop = options.stop;
  plan.exact = live < options_.exact_below ||
               std::none_of(state.segments.begin(), state.segments.end(), [](const auto& s) { return s->has_graph(); });
  if (options.filter != nullptr && live > 0) {
    plan.share = options.filter_matches > 0 ? std::min(1.0, static_cast<double>(options.filter_matches) / live)
                                            : SampledShare(state.segments, *options.filter);
  }
  return plan;
}

absl::StatusOr<std::vector<Neighbor>> SegmentedIndexImpl::SearchOnce(const float* padded_query,
                                                                     const SearchOptions& options, bool last,
                                                                     bool* again) const {
  if (Stopped(options.stop)) return SearchStopped();
  const std::shared_ptr<const IndexState> now = state();
  const SegmentSearch plan = Plan(*now, padded_query, options);
  *again = false;
  if (plan.k == 0) return std::vector<Neighbor>();
  TopK in_segments(plan.k), found(plan.k);
  for (const auto& segment : now->segments) segment->SearchInto(plan, in_segments);
  // What the segments have need not be beaten by less. The last attempt shows all it has, for it may lose hits below.
  const float floor = last ? -std::numeric_limits<float>::infinity() : in_segments.bound();
  now->memtable->SearchInto(padded_query, options.filter, floor, options.stop, found);
  if (Stopped(options.stop)) return SearchStopped();
  for (const Neighbor& neighbor : in_segments.Take()) {
    if (now->memtable->Contains(neighbor.id)) {
      *again = true;
    } else {
      found.Push(neighbor);
    }
  }
  return found.Take();
}

absl::StatusOr<std::vector<Neighbor>> SegmentedIndexImpl::Search(absl::Span<const float> query,
                                                                 const SearchOptions& options) const {
  MIXMATCH_RETURN_IF_ERROR(CheckQuery(query, options, options_.dim));
  recent_.Offer(query);
  const AlignedFloats padded = PaddedCopy(query);
  bool again = false;
  for (int attempt = 0; attempt < 3; ++attempt) {
    const bool last = attempt == 2;
    MIXMATCH_ASSIGN_OR_RETURN(std::vector<Neighbor> found, SearchOnce(padded.get(), options, last, &again));
    if (!again || last) return found;
  }
  return absl::InternalError("index: unreachable");
}

void SegmentedIndexImpl::ForEach(const std::function<bool(PartId, absl::Span<const float>)>& visit) const {
  const std::shared_ptr<const IndexState> now = state();
  std::vector<std::pair<PartId, const float*>> parts;
  for (const auto& segment : now->segments) {
    for (int64_t row = 0; row < segment->size(); ++row) {
      if (segment->IsLive(row)) parts.emplace_back(segment->data().ids[row], segment->data().rows.row(row));
    }
  }
  SegmentRows recent(options_.dim);
  now->memtable->CopySorted(recent.ids, recent.rows);
  for (size_t i = 0; i < recent.ids.size(); ++i) parts.emplace_back(recent.ids[i], recent.rows.row(i));
  std::stable_sort(parts.begin(), parts.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i + 1 < parts.size() && parts[i + 1].first == parts[i].first) continue;  // The later one is the memtable's.
    if (!visit(parts[i].first, {parts[i].second, static_cast<size_t>(options_.dim)})) break;
  }
  for (const auto& segment : now->segments) segment->data().rows.ForgetPages();
}

SegmentedIndexStats SegmentedIndexImpl::stats() const {
  const std::shared_ptr<const IndexState> now = state();
  SegmentedIndexStats stats;
  stats.segments = static_cast<int>(now->segments.size());
  stats.memtable_vectors = now->memtable->size();
  now->memtable->AddBytes(&stats.bytes_floats, &stats.bytes_codes, &stats.bytes_ids);
  for (const auto& segment : now->segments) {
    const Rows& rows = segment->data().rows;
    stats.tombstones += segment->dead();
    stats.bytes_floats += rows.bytes_in_memory();
    stats.bytes_on_disk += rows.bytes_on_disk();
    stats.bytes_ids += segment->data().ids.capacity() * sizeof(PartId) + segment->size() / 8;
    stats.bytes_codes += segment->sketch_bytes();
    if (!segment->has_graph()) continue;
    stats.bytes_links += segment->graph().graph->bytes();
    if (segment->graph().codes != nullptr) stats.bytes_codes += segment->graph().codes->bytes();
    stats.ef_search = std::max(stats.ef_search, options_.ef_search > 0 ? options_.ef_search : segment->ef());
  }
  stats.recall = recall_;
  stats.probes = probes_;
  stats.builds = builds_;
  return stats;
}

}  // namespace mixmatch::index
