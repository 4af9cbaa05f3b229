// Segments and their manifest on disk; the bytes are described in index/FORMAT.md.
#ifndef MIXMATCH_INDEX_VECTOR_SEGMENT_FILE_H_
#define MIXMATCH_INDEX_VECTOR_SEGMENT_FILE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "index/vector/segment.h"

namespace mixmatch::index {

struct SegmentFileEntry {
  std::string name;    // In the manifest's directory.
  uint64_t size = 0;   // Bytes.
  std::string sha256;  // 32 bytes.
};

struct IndexManifest {
  uint64_t generation = 0;
  int dim = 0;
  std::vector<SegmentFileEntry> files;
};

// Writes live rows, and dead ones too where the segment has a graph over them. Synced to disk. INTERNAL on an I/O error.
absl::StatusOr<SegmentFileEntry> WriteSegment(const Segment& segment, const std::string& directory,
                                              const std::string& name);

// DATA_LOSS unless the file is exactly what was written.
absl::StatusOr<std::shared_ptr<const Segment>> ReadSegment(const std::string& directory, const SegmentFileEntry& entry,
                                                           int dim);

// Replaces the manifest as one step and syncs the directory.
absl::Status WriteManifest(const std::string& directory, const IndexManifest& manifest);

// NOT_FOUND: there is none. DATA_LOSS: it is not what was written.
absl::StatusOr<IndexManifest> ReadManifest(const std::string& directory);

// Removes segment files that the manifest does not name, and what an interrupted write left.
void RemoveStrays(const std::string& directory, const IndexManifest& manifest);

}  // namespace mixmatch::index

#endif  // MIXMATCH_INDEX_VECTOR_SEGMENT_FILE_H_
