// How the SegmentedIndex makes segments: graphs, codes, rows on disk, and one segment of several.
#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "index/vector/segmented_index_impl.h"
#include "proto/base/status_macros.h"

namespace mixmatch::index {
namespace {

constexpr int kStoredProbes = 128;

struct Source {
  PartId id;
  const Segment* segment;
  int64_t row;
};

std::vector<Source> LiveRows(const Segments& segments) {
  std::vector<Source> sources;
  for (const auto& segment : segments) {
    for (int64_t row : segment->LiveRows()) sources.push_back({segment->data().ids[row], segment.get(), row});
  }
  std::sort(sources.begin(), sources.end(), [](const Source& a, const Source& b) { return a.id < b.id; });
  return sources;
}

}  // namespace

// A little above the target, so that it still holds when the next probe asks with other rows.
double SegmentedIndexImpl::AimedRecall() const { return options_.target_recall + 0.1 * (1 - options_.target_recall); }

absl::StatusOr<SegmentGraph> SegmentedIndexImpl::NewGraph(const Rows& rows) const {
  const HnswBuildOptions options{options_.hnsw_m, options_.ef_construction, options_.build_threads};
  SegmentGraph made;
  if (options_.storage == Storage::kFloat) {
    MIXMATCH_ASSIGN_OR_RETURN(made.graph, HnswGraph::Build(rows, options, &stop_));
    return made;
  }
  made.codes = CodesOf(rows);
  rows.ForgetPages();
  MIXMATCH_ASSIGN_OR_RETURN(made.graph, HnswGraph::Build(*made.codes, options, &stop_));
  return made;
}

absl::StatusOr<Rows> SegmentedIndexImpl::RowsOnDisk(const Rows& rows) const {
  MIXMATCH_ASSIGN_OR_RETURN(const auto writer, RowFileWriter::Create(options_.scratch_directory));
  for (int64_t i = 0; i < rows.size(); ++i) writer->Append(rows.row(i), rows.stride());
  MIXMATCH_ASSIGN_OR_RETURN(std::shared_ptr<const RowFile> file, writer->Finish());
  return Rows(options_.dim, std::move(file));
}

int SegmentedIndexImpl::CalibratedEf(const Segment& segment) const {
  if (options_.ef_search > 0) return options_.ef_search;
  return RecallProbe(segment, kStoredProbes, recent_.Copy()).SmallestEf(segment, AimedRecall(), options_.rescore);
}

bool SegmentedIndexImpl::CanGrow(const Segment& segment) const {
  return segment.has_graph() && segment.graph().graph->m() == options_.hnsw_m && segment.live() > segment.dead();
}

absl::StatusOr<SegmentGraph> SegmentedIndexImpl::GrownGraph(const Rows& rows, const SegmentGraph& old,
                                                            const std::vector<int32_t>& now_at) const {
  const HnswBuildOptions options{options_.hnsw_m, options_.ef_construction, options_.build_threads};
  SegmentGraph made;
  made.fresh_ef = old.fresh_ef;
  made.worn = true;
  if (options_.storage == Storage::kFloat) {
    MIXMATCH_ASSIGN_OR_RETURN(made.graph, HnswGraph::Grow(rows, *old.graph, now_at, options, &stop_));
    return made;
  }
  made.codes = CodesOf(rows);
  rows.ForgetPages();
  MIXMATCH_ASSIGN_OR_RETURN(made.graph, HnswGraph::Grow(*made.codes, *old.graph, now_at, options, &stop_));
  return made;
}

void SegmentedIndexImpl::Replace(const std::shared_ptr<const Segment>& old, std::shared_ptr<const Segment> fresh) {
  std::lock_guard<std::mutex> lock(writer_mutex_);
  IndexState next = *state();
  std::replace(next.segments.begin(), next.segments.end(), old, fresh);
  SetState(std::move(next));
}

absl::StatusOr<bool> SegmentedIndexImpl::BuildGraph(const std::shared_ptr<const Segment>& segment) {
  MIXMATCH_ASSIGN_OR_RETURN(SegmentGraph graph, NewGraph(segment->data().rows));
  Segment trial(segment->shared_data(), std::make_shared<Tombstones>(segment->size()), graph);
  graph.fresh_ef = CalibratedEf(trial);
  ++builds_;
  std::shared_ptr<const SegmentRows> rows = segment->shared_data();
  if (StorageFor(size()) == Storage::kInt8Disk && !rows->rows.on_disk()) {
    auto on_disk = std::make_shared<SegmentRows>(options_.dim);
    on_disk->ids = rows->ids;
    MIXMATCH_ASSIGN_OR_RETURN(on_disk->rows, RowsOnDisk(rows->rows));
    rows = std::move(on_disk);
  }
  const int ef = graph.fresh_ef;
  Replace(segment, segment->With(std::move(rows), std::move(graph), ef));
  return true;
}

absl::StatusOr<bool> SegmentedIndexImpl::MoveToDisk(const std::shared_ptr<const Segment>& segment) {
  auto rows = std::make_shared<SegmentRows>(options_.dim);
  rows->ids = segment->data().ids;
  MIXMATCH_ASSIGN_OR_RETURN(rows->rows, RowsOnDisk(segment->data().rows));
  Replace(segment, segment->With(std::move(rows), segment->graph(), segment->ef()));
  return true;
}

absl::StatusOr<bool> SegmentedIndexImpl::Rewrite(const Segments& sources, bool anew) {
  const std::vector<Source> live = LiveRows(sources);
  auto rows = std::make_shared<SegmentRows>(options_.dim);
  rows->ids.reserve(live.size());
  for (const Source& source : live) rows->ids.push_back(source.id);
  const bool with_graph = size() >= options_.exact_below && !live.empty();
  if (with_graph && StorageFor(size()) == Storage::kInt8Disk) {
    MIXMATCH_ASSIGN_OR_RETURN(const auto writer, RowFileWriter::Create(options_.scratch_directory));
    for (const Source& source : live) {
      writer->Append(source.segment->data().rows.row(source.row), source.segment->data().rows.stride());
    }
    MIXMATCH_ASSIGN_OR_RETURN(std::shared_ptr<const RowFile> file, writer->Finish());
    rows->rows = Rows(options_.dim, std::move(file));
  } else {
    for (const Source& source : live) rows->rows.Append(source.segment->data().rows.row(source.row));
  }
  for (const auto& segment : sources) segment->data().rows.ForgetPages();
  SegmentGraph graph;
  int ef = Segment::kFirstEf;
  if (with_graph) {
    const Segment* largest = sources.front().get();
    for (const auto& segment : sources) {
      if (segment->live() > largest->live()) largest = segment.get();
    }
    if (!anew && CanGrow(*largest)) {
      std::vector<int32_t> now_at(largest->size(), -1);
      for (size_t i = 0; i < live.size(); ++i) {
        if (live[i].segment == largest) now_at[live[i].row] = static_cast<int32_t>(i);
      }
      MIXMATCH_ASSIGN_OR_RETURN(graph, GrownGraph(rows->rows, largest->graph(), now_at));
      ef = CalibratedEf(Segment(rows, std::make_shared<Tombstones>(live.size()), graph));
    }
    if (graph.graph == nullptr || ef > kWornOut * graph.fresh_ef) {
      MIXMATCH_ASSIGN_OR_RETURN(graph, NewGraph(rows->rows));
      ef = graph.fresh_ef = CalibratedEf(Segment(rows, std::make_shared<Tombstones>(live.size()), graph));
      ++builds_;
    }
  }
  std::shared_ptr<const Sketches> sketches = with_graph ? nullptr : SketchesOf(rows->rows);
  std::lock_guard<std::mutex> lock(writer_mutex_);
  auto dead = std::make_shared<Tombstones>(live.size());
  for (size_t i = 0; i < live.size(); ++i) {
    if (!live[i].segment->IsLive(live[i].row)) dead->Set(i);  // Removed or replaced while this was built.
  }
  IndexState next = *state();
  auto is_source = [&](const auto& segment) { return std::find(sources.begin(), sources.end(), segment) != sources.end(); };
  next.segments.erase(std::remove_if(next.segments.begin(), next.segments.end(), is_source), next.segments.end());
  if (!live.empty()) {
    next.segments.push_back(
        std::make_shared<const Segment>(rows, std::move(dead), std::move(graph), ef, std::move(sketches)));
  }
  SetState(std::move(next));
  return true;
}

}  // namespace mixmatch::index
