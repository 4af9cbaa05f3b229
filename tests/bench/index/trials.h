// What a SegmentedIndex does while it changes: latency of searches beside writers, and recall after many replacements.
#ifndef MIXMATCH_TESTS_BENCH_INDEX_TRIALS_H_
#define MIXMATCH_TESTS_BENCH_INDEX_TRIALS_H_

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/vector/segmented_index.h"
#include "tests/bench/index/clusters.h"
#include "tests/bench/index/truth.h"

namespace mixmatch::index_bench {

// An index of all rows, id = row number, with nothing left to maintain.
absl::StatusOr<std::shared_ptr<index::SegmentedIndex>> BuildIndex(const index::SegmentedIndexOptions& options,
                                                                  const Matrix& base);
// Until there is nothing to do.
absl::Status MaintainFully(index::SegmentedIndex& index);

// As Peer::Search. `filter` may be null; `matches` is how many parts it lets through.
absl::Status SearchAll(const index::SegmentedIndex& index, const Matrix& queries, int k, int breadth, int threads,
                       const index::PartFilter* filter, int64_t matches, uint32_t* rows);

// Searches that let one row in `every` through, with default settings and one thread: rows drawn at random, or those
// nearest to one row, of which most queries are far. {"recall", "queries_per_second", "kept"}
absl::StatusOr<nlohmann::json> FilterTrial(const index::SegmentedIndex& index, const Matrix& base,
                                           const Matrix& queries, int k, int64_t every, bool nearby, double seconds);

// One thread searches without a pause, idle and beside each of: 500 inserts a second; all vectors replaced by a new
// generation again and again, as the server publishes one; merges. Maintain() runs once a second beside it with low
// priority, as in the server. Phases are of at least `seconds`; each has an idle one right before it.
// {phase: {"p50_ms", "p99_ms", "idle_p50_ms", "idle_p99_ms", "searches", "times": how often it was done}}
absl::StatusOr<nlohmann::json> LatencyTrial(const index::SegmentedIndexOptions& options, const Matrix& base,
                                            const Matrix& queries, const Clusters& clusters, int k, double seconds);

// Replaces a tenth of all vectors, maintains, measures; so many times. Then the same of an index built anew of the
// final vectors, the two in turns. Default settings, one thread.
// {"rounds": [{"recall", "queries_per_second", "maintain_seconds"}], "recall", "queries_per_second", "fresh_recall",
//  "fresh_queries_per_second"}
absl::StatusOr<nlohmann::json> ReplacementTrial(const index::SegmentedIndexOptions& options, const Matrix& base,
                                                const Matrix& queries, const Clusters& clusters, int k, int rounds,
                                                double seconds, int repeats);

}  // namespace mixmatch::index_bench

#endif  // MIXMATCH_TESTS_BENCH_INDEX_TRIALS_H_
