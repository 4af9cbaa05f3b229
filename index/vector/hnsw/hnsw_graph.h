// A hierarchical navigable small world graph over the rows of a matrix that stands elsewhere.
// Method: Malkov and Yashunin, arXiv:1603.09320; FAISS builds the graph, the inner products and the walk are ours.
#ifndef MIXMATCH_INDEX_VECTOR_HNSW_HNSW_GRAPH_H_
#define MIXMATCH_INDEX_VECTOR_HNSW_HNSW_GRAPH_H_

#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/vector/codes.h"
#include "index/vector/hnsw/links.h"
#include "index/vector/hnsw/walk.h"
#include "index/vector/rows.h"

namespace mixmatch::index {

struct HnswBuildOptions {
  int m = 16;  // Links of a vertex on the upper levels; twice that on the lowest.
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

struct HnswSearch {
  int ef = 64;
  const absl::FunctionRef<bool(int64_t)>* allowed = nullptr;  // Of the rows; null: all.
  int64_t budget = std::numeric_limits<int64_t>::max();       // Scores after which the walk is given up.
  int32_t barred = -1;                                        // A row that is walked round as if it were not there.
};

struct HnswFound {
  std::vector<Scored> rows;  // At most ef, all allowed, best first.
  bool finished = true;      // Whether the walk ended within its budget.
};

// Immutable and thread-safe. What is passed to Search must have as many rows as the graph was built from, but may hold other
// values: the links then are those of the old ones.
class HnswGraph {
 public:
  // CANCELLED soon after `stop` (may be null) becomes true. INVALID_ARGUMENT: more than 2^31 - 1 rows.
  static absl::StatusOr<std::shared_ptr<const HnswGraph>> Build(const Rows& rows, const HnswBuildOptions& options,
                                                                const std::atomic<bool>* stop);
  static absl::StatusOr<std::shared_ptr<const HnswGraph>> Build(const Codes& codes, const HnswBuildOptions& options,
                                                                const std::atomic<bool>* stop);
  // As Build, but begins with what `old` knows: old row i is row `now_at[i]`, or is gone (-1); the others are added. Costs as
  // much as adding these, and a little for each row that had links to one that is gone: it gets links to neighbors of that
  // one (as FreshDiskANN does, arXiv:2105.09613). `old` must have options.m links and a row that is not gone.
  static absl::StatusOr<std::shared_ptr<const HnswGraph>> Grow(const Rows& rows, const HnswGraph& old,
                                                               const std::vector<int32_t>& now_at,
                                                               const HnswBuildOptions& options,
                                                               const std::atomic<bool>* stop);
  static absl::StatusOr<std::shared_ptr<const HnswGraph>> Grow(const Codes& codes, const HnswGraph& old,
                                                               const std::vector<int32_t>& now_at,
                                                               const HnswBuildOptions& options,
                                                               const std::atomic<bool>* stop);
  // DATA_LOSS if the parts are no graph over `rows` rows.
  static absl::StatusOr<std::shared_ptr<const HnswGraph>> FromParts(const HnswParts& parts, int64_t rows);
  explicit HnswGraph(Links links) : links_(std::move(links)) {}

  HnswParts ToParts() const;
  int64_t bytes() const { return links_.bytes(); }
  int m() const { return links_.m; }

  // Scores are inner products.
  HnswFound Search(const Rows& rows, const float* padded_query, const HnswSearch& search) const;
  // Scores are multiples of the query's scale.
  HnswFound Search(const Codes& codes, const CodeQuery& query, const HnswSearch& search) const;

 private:
  template <typename Scorer>
  HnswFound Walk(const Scorer& scorer, const HnswSearch& search) const;

  const Links links_;
  mutable std::mutex mutex_;  // Guards walkers_.
  mutable std::vector<std::unique_ptr<Walker>> walkers_;  // That no search uses now.
};

}  // namespace mixmatch::index

#endif  // MIXMATCH_INDEX_VECTOR_HNSW_HNSW_GRAPH_H_
