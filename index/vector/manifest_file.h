// The manifest of an index on disk; the bytes are described in index/FORMAT.md.
#ifndef MIXMATCH_INDEX_VECTOR_MANIFEST_FILE_H_
#define MIXMATCH_INDEX_VECTOR_MANIFEST_FILE_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/vector/file_io.h"

namespace mixmatch::index {

struct SegmentFileEntry {
  std::string name;   // In the manifest's directory.
  uint64_t live = 0;  // Parts that can be found.
  // Head (ids and tombstones), vectors, codes, links; one after the other in the file.
  std::array<FileRegion, 4> regions;
  // What holds in place of the file's own tombstones and breadth, since it was written; empty and 0: the file's do.
  std::vector<uint64_t> dead;
  uint32_t ef = 0;
};

// A file that holds a segment as it was when the file was written.
struct SavedSegment {
  std::string directory;  // Empty: there is none.
  SegmentFileEntry entry;
  int64_t dead = 0;  // Tombstones of the segment then.
  int ef = 0;
};

struct IndexManifest {
  uint64_t generation = 0;
  int dim = 0;
  std::vector<SegmentFileEntry> files;
};

// Replaces the manifest as one step and syncs the directory.
absl::Status WriteManifest(const std::string& directory, const IndexManifest& manifest);

// NOT_FOUND: there is none. DATA_LOSS: it is not what was written.
absl::StatusOr<IndexManifest> ReadManifest(const std::string& directory);

// Removes segment files that the manifest does not name, and what an interrupted write left.
void RemoveStrays(const std::string& directory, const IndexManifest& manifest);

}  // namespace mixmatch::index

#endif  // MIXMATCH_INDEX_VECTOR_MANIFEST_FILE_H_
