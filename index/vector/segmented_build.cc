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

void SegmentedIndexImpl::Calibrate(Segment& segment, SegmentGraph& graph) const {
  if (options_.ef_search > 0) {
    graph.fresh_ef = options_.ef_search;
  } else {
    const RecallProbe probe(segment, kStoredProbes, recent_.Copy());
    graph.fresh_ef = probe.SmallestEf(segment, AimedRecall(), options_.rescore);
  }
  segment.set_ef(graph.fresh_ef);
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
  Calibrate(trial, graph);
  ++builds_;
  std::shared_ptr<const SegmentRows> rows = segment->shared_data();
  if (StorageFor(size()) == Storage::kInt8Disk && !rows->rows.on_disk()) {
    auto on_disk = std::make_shared<SegmentRows>(options_.dim);
    on_disk->ids = rows->ids;
    MIXMATCH_ASSIGN_OR_RETURN(on_disk->rows, RowsOnDisk(rows->rows));
    rows = std::move(on_disk);
  }
  Replace(segment, segment->With(std::move(rows), std::move(graph), trial.ef()));
  return true;
}

absl::StatusOr<bool> SegmentedIndexImpl::MoveToDisk(const std::shared_ptr<const Segment>& segment) {
  auto rows = std::make_shared<SegmentRows>(options_.dim);
  rows->ids = segment->data().ids;
  MIXMATCH_ASSIGN_OR_RETURN(rows->rows, RowsOnDisk(segment->data().rows));
  Replace(segment, segment->With(std::move(rows), segment->graph(), segment->ef()));
  return true;
}

absl::StatusOr<bool> SegmentedIndexImpl::Rewrite(const Segments& sources) {
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
    MIXMATCH_ASSIGN_OR_RETURN(graph, NewGraph(rows->rows));
    Segment trial(rows, std::make_shared<Tombstones>(live.size()), graph);
    Calibrate(trial, graph);
    ef = trial.ef();
    ++builds_;
  }
  std::lock_guard<std::mutex> lock(writer_mutex_);
  auto dead = std::make_shared<Tombstones>(live.size());
  for (size_t i = 0; i < live.size(); ++i) {
    if (!live[i].segment->IsLive(live[i].row)) dead->Set(i);  // Removed or replaced while this was built.
  }
  IndexState next = *state();
  auto is_source = [&](const auto& segment) { return std::find(sources.begin(), sources.end(), segment) != sources.end(); };
  next.segments.erase(std::remove_if(next.segments.begin(), next.segments.end(), is_source), next.segments.end());
  if (!live.empty()) next.segments.push_back(std::make_shared<const Segment>(rows, std::move(dead), std::move(graph), ef));
  SetState(std::move(next));
  return true;
}

}  // namespace mixmatch::index
