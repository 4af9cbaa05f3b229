#include "tests/bench/index/truth.h"

#include <cblas.h>

#include <algorithm>
#include <cmath>
#include <unordered_set>
#include <utility>

namespace mixmatch::index_bench {
namespace {

constexpr int64_t kBlock = 4096;  // Rows of the base in one product.

using Candidate = std::pair<float, uint32_t>;

bool Nearer(const Candidate& a, const Candidate& b) {
  return a.first != b.first ? a.first > b.first : a.second < b.second;
}

}  // namespace

std::vector<uint32_t> ExactNeighbors(const Matrix& base, const Matrix& queries, int k,
                                     const std::function<bool(uint32_t)>& keep) {
  std::vector<std::vector<Candidate>> best(queries.count);  // Heaps, the farthest on top.
  std::vector<float> scores(queries.count * std::min(kBlock, base.count));
  for (int64_t first = 0; first < base.count; first += kBlock) {
    const int64_t rows = std::min(kBlock, base.count - first);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, queries.count, rows, base.dim, 1.0f, queries.values, base.dim,
                base.row(first), base.dim, 0.0f, scores.data(), rows);
    std::vector<uint32_t> kept;
    for (int64_t r = 0; r < rows; ++r) {
      if (!keep || keep(first + r)) kept.push_back(r);
    }
    for (int64_t q = 0; q < queries.count; ++q) {
      std::vector<Candidate>& heap = best[q];
      const float* score = &scores[q * rows];
      for (const uint32_t r : kept) {
        if (static_cast<int>(heap.size()) == k && score[r] < heap.front().first) continue;
        const Candidate candidate(score[r], first + r);
        if (static_cast<int>(heap.size()) < k) {
          heap.push_back(candidate);
        } else if (Nearer(candidate, heap.front())) {
          std::pop_heap(heap.begin(), heap.end(), Nearer);
          heap.back() = candidate;
        } else {
          continue;
        }
        std::push_heap(heap.begin(), heap.end(), Nearer);
      }
    }
  }
  std::vector<uint32_t> neighbors(queries.count * k, kNone);
  for (int64_t q = 0; q < queries.count; ++q) {
    std::sort(best[q].begin(), best[q].end(), Nearer);
    for (size_t i = 0; i < best[q].size(); ++i) neighbors[q * k + i] = best[q][i].second;
  }
  return neighbors;
}

double Recall(const std::vector<uint32_t>& answers, const std::vector<uint32_t>& truth, int k) {
  int64_t asked = 0, found = 0;
  for (size_t first = 0; first + k <= truth.size(); first += k) {
    std::unordered_set<uint32_t> right(truth.begin() + first, truth.begin() + first + k);
    right.erase(kNone);
    asked += right.size();
    for (int i = 0; i < k; ++i) found += right.erase(answers[first + i]);
  }
  return asked == 0 ? 1.0 : static_cast<double>(found) / asked;
}

double Percentile(std::vector<double> values, double share) {
  const size_t rank = std::max<int64_t>(0, static_cast<int64_t>(std::ceil(share * values.size())) - 1);
  std::nth_element(values.begin(), values.begin() + rank, values.end());
  return values[rank];
}

}  // namespace mixmatch::index_bench
