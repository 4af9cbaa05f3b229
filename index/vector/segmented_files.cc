// How the SegmentedIndex is saved and loaded.
#include <algorithm>
#include <filesystem>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "index/vector/segment_file.h"
#include "index/vector/segmented_index_impl.h"
#include "proto/base/status_macros.h"

namespace mixmatch::index {
namespace {

// One save at a time, for it removes the files that its manifest does not name.
std::mutex& SaveMutex() {
  static auto* mutex = new std::mutex;
  return *mutex;
}

std::string NewName() {
  std::random_device random;
  return absl::StrCat("segment-", absl::Hex(uint64_t{random()} << 32 | random(), absl::kZeroPad16));
}

}  // namespace

absl::Status SegmentedIndexImpl::Save(absl::string_view directory) const {
  const std::string path(directory);
  Segments segments;
  {
    std::lock_guard<std::mutex> lock(writer_mutex_);
    const std::shared_ptr<const IndexState> now = state();
    for (const auto& segment : now->segments) segments.push_back(segment->Frozen());
    auto rows = std::make_shared<SegmentRows>(options_.dim);
    now->memtable->CopySorted(rows->ids, rows->rows);
    auto dead = std::make_shared<Tombstones>(rows->rows.size());
    segments.push_back(std::make_shared<const Segment>(std::move(rows), std::move(dead)));
  }
  std::lock_guard<std::mutex> lock(SaveMutex());
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return absl::InternalError(absl::StrCat("index: cannot make ", path, ": ", error.message()));
  IndexManifest manifest;
  manifest.generation = generation_;
  manifest.dim = options_.dim;
  for (const auto& segment : segments) {
    if (segment->live() == 0) continue;
    MIXMATCH_ASSIGN_OR_RETURN(SegmentFileEntry entry, WriteSegment(*segment, path, NewName()));
    manifest.files.push_back(std::move(entry));
  }
  MIXMATCH_RETURN_IF_ERROR(WriteManifest(path, manifest));
  RemoveStrays(path, manifest);
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<SegmentedIndex>> SegmentedIndex::Load(const SegmentedIndexOptions& options,
                                                                     absl::string_view directory, uint64_t generation,
                                                                     LoadReport* report) {
  MIXMATCH_RETURN_IF_ERROR(CheckOptions(options));
  *report = {};
  const std::string path(directory);
  MIXMATCH_ASSIGN_OR_RETURN(const IndexManifest manifest, ReadManifest(path));
  if (manifest.generation != generation || manifest.dim != options.dim) {
    return absl::DataLossError(absl::StrCat("index: ", path, " has generation ", manifest.generation, " with ", manifest.dim,
                                            " values, wanted ", generation, " with ", options.dim,
                                            "; build the index anew from the store"));
  }
  int64_t live = 0;
  for (const SegmentFileEntry& entry : manifest.files) live += static_cast<int64_t>(entry.live);
  ReadOptions read_options;
  read_options.dim = options.dim;
  read_options.vectors_on_disk = options.storage == Storage::kInt8Disk ||
                                 (options.storage == Storage::kAuto && live >= options.disk_from);
  read_options.codes = options.storage != Storage::kFloat;
  IndexState state;
  MIXMATCH_ASSIGN_OR_RETURN(state.memtable, FlatIndex::Create(options.dim));
  report->segments = static_cast<int>(manifest.files.size());
  for (const SegmentFileEntry& entry : manifest.files) {
    MIXMATCH_ASSIGN_OR_RETURN(SegmentRead read, ReadSegment(path, entry, read_options));
    for (absl::Status& damage : read.damage) report->damage.push_back(std::move(damage));
    report->lost.insert(report->lost.end(), read.lost.begin(), read.lost.end());
    report->graphs_lost += read.graph_lost;
    const std::shared_ptr<const Segment>& segment = read.segment;
    if (segment == nullptr) {
      report->parts_lost += static_cast<int64_t>(entry.live);
      continue;
    }
    const bool lost_graph = read.graph_lost;
    if (segment->has_graph() || lost_graph || state.memtable->size() + segment->size() >= options.memtable_limit) {
      state.segments.push_back(segment->has_graph() ? segment : segment->WithSketches());
      continue;
    }
    for (int64_t row = 0; row < segment->size(); ++row) {  // A memtable before, so one again.
      MIXMATCH_RETURN_IF_ERROR(state.memtable->Upsert(segment->data().ids[row], segment->data().rows.vector(row)));
    }
  }
  std::sort(report->lost.begin(), report->lost.end());
  return std::make_shared<SegmentedIndexImpl>(options, generation, std::move(state));
}

absl::StatusOr<std::shared_ptr<SegmentedIndex>> SegmentedIndex::Load(const SegmentedIndexOptions& options,
                                                                     absl::string_view directory, uint64_t generation) {
  LoadReport report;
  MIXMATCH_ASSIGN_OR_RETURN(std::shared_ptr<SegmentedIndex> index, Load(options, directory, generation, &report));
  if (!report.damage.empty()) return report.damage.front();
  return index;
}

}  // namespace mixmatch::index
