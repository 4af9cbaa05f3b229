// Maps part ids to unit vectors and finds the nearest ones.
#ifndef MIXMATCH_INDEX_VECTOR_VECTOR_INDEX_H_
#define MIXMATCH_INDEX_VECTOR_VECTOR_INDEX_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace mixmatch::index {

using PartId = uint64_t;  // item id * 65,536 + position in the item.

struct Neighbor {
  PartId id = 0;
  float score = 0.0f;  // Inner product, -1 to 1 for unit vectors; larger is nearer.
};

// Which parts a search may return. Called from the searching thread; must not call back into the index.
using PartFilter = std::function<bool(PartId)>;

// Whether a search is to be given up.
using StopCheck = std::function<bool()>;

struct SearchOptions {
  int64_t k = 10;                // 1 or more.
  int ef_search = 0;             // Breadth of a graph search; 0: the index's default (at least k).
  const PartFilter* filter = nullptr;  // Null: all parts.
  // About how many parts the filter lets through; below a bound an exact scan is made. 0: not known.
  int64_t filter_matches = 0;
  // Null: never. Asked by the searching thread before, after and now and then during a scan; once it says true the search
  // ends with CANCELLED. Must not call back into the index.
  const StopCheck* stop = nullptr;
};

// Const methods may run concurrently with each other and with one writer; the caller serializes writers.
class VectorIndex {
 public:
  virtual ~VectorIndex() = default;

  // Replaces any vector under `id`. Copies the data. INVALID_ARGUMENT unless it has dim() finite values.
  virtual absl::Status Upsert(PartId id, absl::Span<const float> vector) = 0;

  // NOT_FOUND if `id` is absent.
  virtual absl::Status Remove(PartId id) = 0;

  // A copy of the vector. NOT_FOUND if `id` is absent.
  virtual absl::StatusOr<std::vector<float>> Get(PartId id) const = 0;

  // At most options.k neighbors, nearest first, ties by smaller id. An empty index gives an empty result, not an error.
  // INVALID_ARGUMENT on a query that has not dim() finite values, or k < 1.
  virtual absl::StatusOr<std::vector<Neighbor>> Search(absl::Span<const float> query,
                                                       const SearchOptions& options) const = 0;

  virtual int dim() const = 0;
  virtual int64_t size() const = 0;  // Parts that can be found.
};

}  // namespace mixmatch::index

#endif  // MIXMATCH_INDEX_VECTOR_VECTOR_INDEX_H_
