// The index that serves: an exact memtable that takes writes, and immutable HNSW segments built from it.
#ifndef MIXMATCH_INDEX_VECTOR_SEGMENTED_INDEX_H_
#define MIXMATCH_INDEX_VECTOR_SEGMENTED_INDEX_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "index/vector/vector_index.h"

namespace mixmatch::index {

// What a segment keeps of its vectors once it has a graph. Scores and Get() are of the f32 values in every case.
enum class Storage {
  kAuto,      // kInt8Disk once the index has SegmentedIndexOptions::disk_from vectors, else kInt8.
  kFloat,     // f32 in memory; the graph is walked over them.
  kInt8,      // f32 in memory, and int8 codes over which the graph is walked; the best candidates are rescored.
  kInt8Disk,  // int8 codes in memory; f32 in a file, of which a search reads the rows that it rescores.
};

struct SegmentedIndexOptions {
  int dim = 512;
  int64_t memtable_limit = 20'000;  // Vectors; at this size at the latest Maintain() turns the memtable into a segment.
  double tombstone_limit = 0.2;     // Share of dead vectors at which Maintain() rewrites a segment.
  int64_t exact_below = 20'000;     // Fewer live vectors than this: exact scan.
  int hnsw_m = 16;
  int ef_construction = 100;
  // Breadth of a graph search. 0: each graph has its own, the smallest that reaches `target_recall` with sampled queries.
  int ef_search = 0;
  double target_recall = 0.95;      // Of the 10 nearest, above 0 to 1; ef_search 0 aims a little above it.
  Storage storage = Storage::kAuto;
  int64_t disk_from = 500'000;      // For Storage::kAuto, vectors.
  // Candidates that are rescored from f32, as a multiple of k; 1 or more. Without effect on Storage::kFloat.
  double rescore = 3.0;
  // Where Storage::kInt8Disk keeps f32 rows: files without a name, which end with the index. Empty: the system's directory
  // for temporary files.
  std::string scratch_directory;
  int build_threads = 1;            // Of Maintain(), 1 to 256.
  double probe_seconds = 60;        // Maintain() measures recall no more often than this; see stats().recall.
};

struct SegmentedIndexStats {
  int segments = 0;
  int64_t memtable_vectors = 0;
  int64_t tombstones = 0;  // Dead vectors in segments.

  // Bytes that the index holds in memory, by kind; those in the page cache of the operating system are not counted.
  int64_t bytes_floats = 0;  // f32 vectors, the memtable's too.
  int64_t bytes_codes = 0;   // int8 codes and their scales; sketches of what has no graph.
  int64_t bytes_links = 0;   // Graphs.
  int64_t bytes_ids = 0;     // Part ids, tombstones and tables of them.
  int64_t bytes_resident() const { return bytes_floats + bytes_codes + bytes_links + bytes_ids; }
  int64_t bytes_on_disk = 0;  // f32 rows of Storage::kInt8Disk.

  int ef_search = 0;     // The largest in use; 0: there is no graph.
  double recall = -1.0;  // recall@10 of the last probe of live graphs against exact search; -1: not measured yet.
  int64_t probes = 0;    // How often that was done.
  int64_t builds = 0;    // Graphs built anew since this index was made; others took vectors in.
};

// What Load could not use.
struct LoadReport {
  int segments = 0;                     // That the manifest names.
  std::vector<absl::Status> damage;     // DATA_LOSS, one a damaged region of a segment file; empty: all is well.
  int graphs_lost = 0;                  // Segments that are searched exactly until Maintain() has built their graph anew.
  int64_t parts_lost = 0;               // Parts that the index now lacks; Upsert them from the store.
  std::vector<PartId> lost;             // Those of them whose ids are still known, ascending.
  bool all_lost_known() const { return parts_lost == static_cast<int64_t>(lost.size()); }
};

// Everything in one index is of one generation. All methods are thread-safe: searches run concurrently with everything
// and never wait for a build; writers are serialized inside.
class SegmentedIndex : public VectorIndex {
 public:
  // Empty.
  static absl::StatusOr<std::shared_ptr<SegmentedIndex>> Create(const SegmentedIndexOptions& options,
                                                                uint64_t generation);

  // Reads what Save wrote, checking every checksum. NOT_FOUND: nothing there. DATA_LOSS: a file is missing, cut, altered or
  // of another generation than `generation`; the caller then builds anew from the store.
  static absl::StatusOr<std::shared_ptr<SegmentedIndex>> Load(const SegmentedIndexOptions& options,
                                                              absl::string_view directory, uint64_t generation);

  // As above, but a damaged segment file costs only what is damaged: `report` (not null) says what. DATA_LOSS if the
  // manifest is damaged, or is of another generation, dimension or version.
  static absl::StatusOr<std::shared_ptr<SegmentedIndex>> Load(const SegmentedIndexOptions& options,
                                                              absl::string_view directory, uint64_t generation,
                                                              LoadReport* report);

  // A new index of another generation with these vectors (ids ascending, vectors row-major [ids.size(), dim]), to be
  // swapped in by the caller; this one goes on serving. Where nearly all of a segment's parts are among `ids`, its graph is
  // taken over with the new vectors if it then reaches the target recall with at most twice the breadth; other parts are
  // searched exactly until the new index's Maintain() builds a graph. Runs on the calling thread. INVALID_ARGUMENT: ids that do not
  // ascend, a value that is not finite, another number of values than ids.size() * dim.
  virtual absl::StatusOr<std::shared_ptr<SegmentedIndex>> Refreshed(uint64_t generation, absl::Span<const PartId> ids,
                                                                    absl::Span<const float> vectors) const = 0;

  // Builds and merges segments by policy, on the calling thread; searches and writes go on meanwhile. True if it did
  // something. Call it from a background thread now and then.
  virtual absl::StatusOr<bool> Maintain() = 0;

  // Makes a Maintain() under way end soon and later ones do nothing: for an index that another has taken the place of.
  virtual void StopMaintaining() = 0;

  // Writes all that is searchable into `directory` (made if need be, replaced if there): the memtable as a flat segment.
  // The files are fsynced; see index/FORMAT.md. INTERNAL on an I/O error, with the path.
  virtual absl::Status Save(absl::string_view directory) const = 0;

  // Calls `visit` for every part that can be found, by ascending id; stops early when it returns false.
  virtual void ForEach(const std::function<bool(PartId, absl::Span<const float>)>& visit) const = 0;

  virtual uint64_t generation() const = 0;
  virtual SegmentedIndexStats stats() const = 0;
};

}  // namespace mixmatch::index

#endif  // MIXMATCH_INDEX_VECTOR_SEGMENTED_INDEX_H_
