// How the SegmentedIndex is saved and loaded.
#include <algorithm>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
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

bool StillThere(const SavedSegment& saved) {
  uint64_t bytes = 0;
  for (const FileRegion& region : saved.entry.regions) bytes += region.bytes;
  std::error_code error;
  return std::filesystem::file_size(absl::StrCat(saved.directory, "/", saved.entry.name), error) == bytes && !error;
}

// The entry of a file in `directory` that has all of the segment but perhaps its tombstones and breadth; nothing if there
// is none. Without a graph a file has live rows only, so new tombstones cannot be told of them.
std::optional<SegmentFileEntry> SavedEntry(const Segment& segment, const std::string& directory) {
  const SavedSegment& saved = segment.saved();
  const bool same = segment.dead() == saved.dead;
  if (saved.directory != directory || !(same || segment.has_graph()) || !StillThere(saved)) return std::nullopt;
  SegmentFileEntry entry = saved.entry;
  entry.live = segment.live();
  if (same && segment.ef() == saved.ef) return entry;
  entry.dead = segment.DeadWords();
  entry.ef = static_cast<uint32_t>(segment.ef());
  return entry;
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
    std::optional<SegmentFileEntry> entry = SavedEntry(*segment, path);
    if (!entry.has_value()) {
      MIXMATCH_ASSIGN_OR_RETURN(entry, WriteSegment(*segment, path, NewName()));
      segment->saved() = {path, *entry, segment->dead(), segment->ef()};
    }
    manifest.files.push_back(*std::move(entry));
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
    if (read.damage.empty()) {
      segment->saved() = {path, entry, read.file_dead, read.file_ef};
      segment->saved().entry.dead.clear();
      segment->saved().entry.ef = 0;
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
