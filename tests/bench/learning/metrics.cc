#include "tests/bench/learning/metrics.h"

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>

#include "model/target_clones.h"

namespace mixmatch::bench {
namespace {

constexpr int kLanes = 32;

MIXMATCH_CLONES
void ScoreRow(const float* query, const float* candidates, size_t count, int dim, float* out) {
  for (size_t c = 0; c < count; ++c) {
    const float* row = candidates + c * dim;
    float lanes[kLanes] = {};
    int i = 0;
    for (; i + kLanes <= dim; i += kLanes) {
      for (int l = 0; l < kLanes; ++l) lanes[l] += query[i + l] * row[i + l];
    }
    float sum = 0;
    for (; i < dim; ++i) sum += query[i] * row[i];
    for (float lane : lanes) sum += lane;
    out[c] = sum;
  }
}

int Root(std::vector<int>& parent, int i) {
  while (parent[i] != i) i = parent[i] = parent[parent[i]];
  return i;
}

}  // namespace

std::vector<float> Scores(const Vectors& queries, const Vectors& candidates) {
  std::vector<float> scores(queries.rows() * candidates.rows());
  for (size_t q = 0; q < queries.rows(); ++q) {
    ScoreRow(queries.row(q).data(), candidates.values.data(), candidates.rows(), queries.dim,
             &scores[q * candidates.rows()]);
  }
  return scores;
}

std::vector<int> Ranks(absl::Span<const float> scores, absl::Span<const int> query_groups,
                       absl::Span<const int> candidate_groups) {
  std::vector<int> ranks;
  const size_t n = candidate_groups.size();
  for (size_t q = 0; q < query_groups.size(); ++q) {
    const absl::Span<const float> row = scores.subspan(q * n, n);
    bool any = false;
    float best = -std::numeric_limits<float>::infinity();
    for (size_t c = 0; c < n; ++c) {
      if (candidate_groups[c] != query_groups[q]) continue;
      any = true;
      best = std::max(best, row[c]);
    }
    int rank = 1;
    for (size_t c = 0; c < n; ++c) rank += candidate_groups[c] != query_groups[q] && !(row[c] < best);
    ranks.push_back(any ? rank : 0);
  }
  return ranks;
}

Recall RecallOf(absl::Span<const int> ranks, int candidates) {
  std::vector<int> found;
  std::copy_if(ranks.begin(), ranks.end(), std::back_inserter(found), [](int rank) { return rank > 0; });
  Recall recall;
  recall.queries = static_cast<int>(found.size());
  recall.candidates = candidates;
  if (found.empty()) return recall;
  const auto within = [&found](int k) {
    return static_cast<double>(std::count_if(found.begin(), found.end(), [k](int rank) { return rank <= k; })) /
           found.size();
  };
  recall.r1 = within(1);
  recall.r5 = within(5);
  recall.r10 = within(10);
  std::sort(found.begin(), found.end());
  const size_t middle = found.size() / 2;
  recall.median_rank = found.size() % 2 == 1 ? found[middle] : (found[middle - 1] + found[middle]) / 2.0;
  return recall;
}

Recall MeanOf(absl::Span<const Recall> runs) {
  Recall mean;
  for (const Recall& run : runs) {
    mean.queries = run.queries;
    mean.candidates = run.candidates;
    mean.r1 += run.r1 / runs.size();
    mean.r5 += run.r5 / runs.size();
    mean.r10 += run.r10 / runs.size();
    mean.median_rank += run.median_rank / runs.size();
  }
  return mean;
}

std::vector<int> Groups(absl::Span<const std::string> concepts, absl::Span<const std::string> contents) {
  std::vector<int> parent(concepts.size());
  std::iota(parent.begin(), parent.end(), 0);
  for (const absl::Span<const std::string> names : {concepts, contents}) {
    std::map<std::string, int> first;
    for (size_t i = 0; i < names.size(); ++i) {
      if (names[i].empty()) continue;
      const int seen = first.emplace(names[i], static_cast<int>(i)).first->second;
      parent[Root(parent, static_cast<int>(i))] = Root(parent, seen);
    }
  }
  std::vector<int> groups;
  for (size_t i = 0; i < concepts.size(); ++i) groups.push_back(Root(parent, static_cast<int>(i)));
  return groups;
}

StreamSummary SummarizeStream(const std::vector<std::vector<double>>& accuracy) {
  StreamSummary summary;
  if (accuracy.empty()) return summary;
  const size_t stages = accuracy.size();
  const std::vector<double>& last = accuracy.back();
  for (size_t c = 0; c < stages; ++c) {
    summary.final_mean += last[c] / stages;
    if (c + 1 == stages) continue;
    double best = 0;
    for (size_t t = c; t < stages; ++t) best = std::max(best, accuracy[t][c]);
    summary.forgetting += (best - last[c]) / (stages - 1);
    summary.backward_transfer += (last[c] - accuracy[c][c]) / (stages - 1);
  }
  return summary;
}

}  // namespace mixmatch::bench
