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

struct SegmentedIndexOptions {
  int dim = 512;
  int64_t memtable_limit = 20'000;  // Vectors; at this size Maintain() turns the memtable into a segment.
  double tombstone_limit = 0.2;     // Share of dead vectors at which Maintain() rewrites a segment.
  int64_t exact_below = 20'000;     // Fewer live vectors (or filter matches) than this: exact scan.
  int hnsw_m = 32;
  int ef_construction = 100;
  int ef_search = 64;
};

struct SegmentedIndexStats {
  int segments = 0;
  int64_t memtable_vectors = 0;
  int64_t tombstones = 0;  // Dead vectors in segments.
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

  // A new index of another generation with these vectors (ids ascending, vectors row-major [ids.size(), dim]), to be
  // swapped in by the caller; this one goes on serving. Where nearly all of a segment's parts are among `ids`, its graph is
  // taken over with the new vectors if sampled recall allows it (recall@10 of .95 or more); other parts are searched
  // exactly until the new index's Maintain() builds a graph. Runs on the calling thread. INVALID_ARGUMENT: ids that do not
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
