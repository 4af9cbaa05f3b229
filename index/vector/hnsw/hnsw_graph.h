// A hierarchical navigable small world graph over the rows of a matrix that stands elsewhere.
// Method: Malkov and Yashunin, arXiv:1603.09320; the graph is FAISS's, the inner products are ours.
#ifndef MIXMATCH_INDEX_VECTOR_HNSW_HNSW_GRAPH_H_
#define MIXMATCH_INDEX_VECTOR_HNSW_HNSW_GRAPH_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/vector/rows.h"

namespace mixmatch::index {

struct HnswBuildOptions {
  int m = 32;  // Links of a vertex on the upper levels; twice that on the lowest.
  int ef_construction = 100;
  int threads = 1;
};

// A graph as it is stored.
struct HnswParts {
  int32_t m = 0;
  int32_t entry_point = -1;
  int32_t max_level = -1;
  std::vector<int32_t> levels;     // Of every vertex, from 1.
  std::vector<int32_t> neighbors;  // Links of every vertex, level by level; -1: none.
};

// Immutable and thread-safe. The rows passed to Search must be as many as the graph was built from, but may hold other
// values: the links then are those of the old ones.
class HnswGraph {
 public:
  // CANCELLED soon after `stop` (may be null) becomes true. INVALID_ARGUMENT: more than 2^31 - 1 rows.
  static absl::StatusOr<std::shared_ptr<const HnswGraph>> Build(const Rows& rows, const HnswBuildOptions& options,
                                                                const std::atomic<bool>* stop);
  // DATA_LOSS if the parts are no graph over `rows` rows.
  static absl::StatusOr<std::shared_ptr<const HnswGraph>> FromParts(const HnswParts& parts, int64_t rows);
  ~HnswGraph();

  HnswParts ToParts() const;

  // At most k rows that `allowed` lets through and their inner products, in no order. Others are walked through.
  absl::StatusOr<std::vector<std::pair<int64_t, float>>> Search(const Rows& rows, const float* padded_query, int64_t k,
                                                                int ef, absl::FunctionRef<bool(int64_t)> allowed) const;

 private:
  struct Impl;
  explicit HnswGraph(std::unique_ptr<Impl> impl);
  const std::unique_ptr<Impl> impl_;
};

}  // namespace mixmatch::index

#endif  // MIXMATCH_INDEX_VECTOR_HNSW_HNSW_GRAPH_H_
