// Exact nearest neighbors by blocked matrix products, and how much of them an answer has.
#ifndef MIXMATCH_TESTS_BENCH_INDEX_TRUTH_H_
#define MIXMATCH_TESTS_BENCH_INDEX_TRUTH_H_

#include <cstdint>
#include <functional>
#include <vector>

namespace mixmatch::index_bench {

inline constexpr uint32_t kNone = 0xffffffff;  // In place of a row where there are fewer than k.

// Row-major [count, dim].
struct Matrix {
  const float* values = nullptr;
  int64_t count = 0;
  int dim = 0;

  const float* row(int64_t i) const { return values + i * dim; }
};

// Rows of the base with the largest inner products, [queries.count, k], nearest first, ties by smaller row; of those
// for which `keep` is true, of all if it is empty. Uses OpenBLAS with its own threads.
std::vector<uint32_t> ExactNeighbors(const Matrix& base, const Matrix& queries, int k,
                                     const std::function<bool(uint32_t)>& keep = {});

// Share of the true neighbors that are among the answers, both [queries, k]; the order is of no matter, what occurs
// twice counts once. kNone in the truth is not asked for. 1 if nothing is asked for.
double Recall(const std::vector<uint32_t>& answers, const std::vector<uint32_t>& truth, int k);

// The smallest value that at least this share of the values does not exceed; values may not be empty.
double Percentile(std::vector<double> values, double share);

}  // namespace mixmatch::index_bench

#endif  // MIXMATCH_TESTS_BENCH_INDEX_TRUTH_H_
