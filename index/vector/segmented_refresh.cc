// How the SegmentedIndex passes to another generation.
#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "index/vector/segmented_index_impl.h"
#include "index/vector/validate.h"
#include "proto/base/status_macros.h"

namespace mixmatch::index {
namespace {

constexpr int kProbes = 64;
constexpr double kLeastRecall = 0.95;

absl::Status CheckAll(absl::Span<const PartId> ids, absl::Span<const float> vectors, int dim) {
  if (vectors.size() != ids.size() * dim) {
    return absl::InvalidArgumentError(absl::StrCat("index.refresh: got ", vectors.size(), " values for ", ids.size(),
                                                   " parts, wanted ", ids.size() * dim));
  }
  for (size_t i = 0; i < ids.size(); ++i) {
    if (i > 0 && ids[i] <= ids[i - 1]) return absl::InvalidArgumentError("index.refresh: the ids do not ascend");
    MIXMATCH_RETURN_IF_ERROR(CheckVector(vectors.subspan(i * dim, dim), dim, "index.refresh"));
  }
  return absl::OkStatus();
}

// The segment's graph over the new vectors; `taken` marks the ids in it. Rows without a new vector are dead and keep the old
// one, by which a walk may still pass.
std::shared_ptr<const Segment> WithNewVectors(const Segment& old, absl::Span<const PartId> ids,
                                              absl::Span<const float> vectors, std::vector<bool>& taken) {
  const Rows& from = old.data().rows;
  auto rows = std::make_shared<SegmentRows>(from.dim());
  rows->ids = old.data().ids;
  auto dead = std::make_shared<Tombstones>(from.size());
  size_t at = 0;
  for (int64_t row = 0; row < from.size(); ++row) {
    while (at < ids.size() && ids[at] < rows->ids[row]) ++at;
    if (old.IsLive(row) && at < ids.size() && ids[at] == rows->ids[row] && !taken[at]) {
      rows->rows.Append(&vectors[at * from.dim()]);
      taken[at] = true;
    } else {
      rows->rows.Append(from.row(row));
      dead->Set(row);
    }
  }
  return std::make_shared<const Segment>(std::move(rows), std::move(dead), old.graph());
}

}  // namespace

absl::StatusOr<std::shared_ptr<SegmentedIndex>> SegmentedIndexImpl::Refreshed(uint64_t generation,
                                                                              absl::Span<const PartId> ids,
                                                                              absl::Span<const float> vectors) const {
  const int dim = options_.dim;
  MIXMATCH_RETURN_IF_ERROR(CheckAll(ids, vectors, dim));
  const std::shared_ptr<const IndexState> now = state();
  IndexState next;
  MIXMATCH_ASSIGN_OR_RETURN(next.memtable, FlatIndex::Create(dim));
  std::vector<bool> taken(ids.size());
  const bool graphs = static_cast<int64_t>(ids.size()) >= options_.exact_below;
  for (const auto& segment : now->segments) {
    if (!graphs || segment->graph() == nullptr) continue;
    std::vector<bool> with = taken;
    std::shared_ptr<const Segment> fresh = WithNewVectors(*segment, ids, vectors, with);
    if (fresh->dead() >= options_.tombstone_limit * fresh->size()) continue;
    MIXMATCH_ASSIGN_OR_RETURN(const double recall, GraphRecall(*fresh, options_.ef_search > 0 ? options_.ef_search : 64, kProbes));
    if (recall < kLeastRecall) continue;
    next.segments.push_back(std::move(fresh));
    taken = std::move(with);
  }
  const int64_t rest = std::count(taken.begin(), taken.end(), false);
  if (rest < options_.memtable_limit) {
    for (size_t i = 0; i < ids.size(); ++i) {
      if (!taken[i]) MIXMATCH_RETURN_IF_ERROR(next.memtable->Upsert(ids[i], vectors.subspan(i * dim, dim)));
    }
  } else {
    // Searched exactly until Maintain() has built its graph: fresh results do not wait for that.
    auto rows = std::make_shared<SegmentRows>(dim);
    for (size_t i = 0; i < ids.size(); ++i) {
      if (taken[i]) continue;
      rows->ids.push_back(ids[i]);
      rows->rows.Append(&vectors[i * dim]);
    }
    next.segments.push_back(std::make_shared<const Segment>(rows, std::make_shared<Tombstones>(rest), nullptr));
  }
  return std::make_shared<SegmentedIndexImpl>(options_, generation, std::move(next));
}

}  // namespace mixmatch::index
