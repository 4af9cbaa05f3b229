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

constexpr int kProbes = 48;
// A graph that needs so many times the breadth of its fresh search, or does not reach the target at all, is given up.
constexpr double kMostWorn = 2.0;

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

// The rows of `old` with new vectors; `taken` marks the ids in it, `dead` the rows without a new vector: they keep the old
// one, by which a walk may still pass. Rows go to `disk` if that is not null.
absl::StatusOr<std::shared_ptr<const SegmentRows>> WithNewVectors(const Segment& old, absl::Span<const PartId> ids,
                                                                  absl::Span<const float> vectors, RowFileWriter* disk,
                                                                  std::vector<bool>& taken, Tombstones& dead) {
  const Rows& from = old.data().rows;
  const int dim = from.dim();
  auto fresh = std::make_shared<SegmentRows>(dim);
  fresh->ids = old.data().ids;
  const AlignedFloats padded = NewAlignedFloats(from.stride());
  std::fill(padded.get(), padded.get() + from.stride(), 0.0f);
  size_t at = 0;
  for (int64_t row = 0; row < from.size(); ++row) {
    while (at < ids.size() && ids[at] < fresh->ids[row]) ++at;
    const bool found = old.IsLive(row) && at < ids.size() && ids[at] == fresh->ids[row] && !taken[at];
    const float* vector = found ? &vectors[at * dim] : from.row(row);
    if (found) {
      taken[at] = true;
    } else {
      dead.Set(row);
    }
    if (disk != nullptr) {
      std::copy(vector, vector + dim, padded.get());
      disk->Append(padded.get(), from.stride());
    } else {
      fresh->rows.Append(vector);
    }
  }
  from.ForgetPages();
  if (disk != nullptr) {
    MIXMATCH_ASSIGN_OR_RETURN(std::shared_ptr<const RowFile> file, disk->Finish());
    fresh->rows = Rows(dim, std::move(file));
  }
  return fresh;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Segment>> SegmentedIndexImpl::RefreshedSegment(
    const Segment& old, absl::Span<const PartId> ids, absl::Span<const float> vectors, std::vector<bool>& taken) const {
  std::unique_ptr<RowFileWriter> disk;
  if (StorageFor(static_cast<int64_t>(ids.size())) == Storage::kInt8Disk) {
    MIXMATCH_ASSIGN_OR_RETURN(disk, RowFileWriter::Create(options_.scratch_directory));
  }
  std::vector<bool> with = taken;
  auto dead = std::make_shared<Tombstones>(old.size());
  MIXMATCH_ASSIGN_OR_RETURN(std::shared_ptr<const SegmentRows> rows,
                            WithNewVectors(old, ids, vectors, disk.get(), with, *dead));
  if (dead->count() > 0 && dead->count() >= options_.tombstone_limit * old.size()) return nullptr;
  SegmentGraph graph = old.graph();
  graph.worn = true;
  if (options_.storage != Storage::kFloat) graph.codes = CodesOf(rows->rows);
  auto fresh = std::make_shared<Segment>(rows, std::move(dead), graph, old.ef());
  const RecallProbe probe(*fresh, kProbes, {});
  if (probe.Recall(*fresh, options_.ef_search, options_.rescore) < options_.target_recall) {
    if (options_.ef_search > 0) return nullptr;
    const int ef = probe.SmallestEf(*fresh, AimedRecall(), options_.rescore);
    if (ef > kMostWorn * std::max(graph.fresh_ef, 1)) return nullptr;
    fresh->set_ef(std::max(ef, fresh->ef()));
    if (probe.Recall(*fresh, 0, options_.rescore) < options_.target_recall) return nullptr;
  }
  taken = std::move(with);
  return fresh;
}

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
    if (!graphs || !segment->has_graph()) continue;
    MIXMATCH_ASSIGN_OR_RETURN(auto fresh, RefreshedSegment(*segment, ids, vectors, taken));
    if (fresh != nullptr) next.segments.push_back(std::move(fresh));
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
    next.segments.push_back(Segment::Flat(rows, std::make_shared<Tombstones>(rest), SketchesOf(rows->rows)));
  }
  return std::make_shared<SegmentedIndexImpl>(options_, generation, std::move(next));
}

}  // namespace mixmatch::index
