// Segments on disk; the bytes are described in index/FORMAT.md.
#ifndef MIXMATCH_INDEX_VECTOR_SEGMENT_FILE_H_
#define MIXMATCH_INDEX_VECTOR_SEGMENT_FILE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/vector/manifest_file.h"
#include "index/vector/segment.h"

namespace mixmatch::index {

// Writes live rows, and dead ones too where the segment has a graph over them. Synced to disk. INTERNAL on an I/O error.
absl::StatusOr<SegmentFileEntry> WriteSegment(const Segment& segment, const std::string& directory,
                                              const std::string& name);

struct ReadOptions {
  int dim = 0;
  bool vectors_on_disk = false;  // Leaves the vectors of a segment with codes in the file.
  bool codes = true;             // Whether codes are wanted; without, a graph is walked over f32.
};

// What could be read of a segment file.
struct SegmentRead {
  std::shared_ptr<const Segment> segment;  // Null: nothing of use.
  std::vector<absl::Status> damage;        // DATA_LOSS, one a damaged region.
  bool graph_lost = false;
  int64_t file_dead = 0;                   // Tombstones in the file, and
  int file_ef = 0;                         // the breadth.
  std::vector<PartId> lost;                // Live parts whose vectors are damaged, if their ids are not, ascending.
};

// INTERNAL on an I/O error other than a missing or short file.
absl::StatusOr<SegmentRead> ReadSegment(const std::string& directory, const SegmentFileEntry& entry,
                                        const ReadOptions& options);

}  // namespace mixmatch::index

#endif  // MIXMATCH_INDEX_VECTOR_SEGMENT_FILE_H_
