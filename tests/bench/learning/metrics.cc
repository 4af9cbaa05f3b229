#include "tests/bench/learning/metrics.h"

#include <algorithm>
#include <cmath>
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

std::vector<float> BestOfItems(absl::Span<const float> scores, absl::Span<const int> query_items,
                               absl::Span<const int> candidate_items) {
  const auto count = [](absl::Span<const int> items) {
    return items.empty() ? size_t{0} : size_t{1} + *std::max_element(items.begin(), items.end());
  };
  const size_t width = count(candidate_items);
  std::vector<float> best(count(query_items) * width, -std::numeric_limits<float>::infinity());
  for (size_t q = 0; q < query_items.size(); ++q) {
    float* row = &best[query_items[q] * width];
    for (size_t c = 0; c < candidate_items.size(); ++c) {
      const float score = scores[q * candidate_items.size() + c];
      // Not a number stays: Ranks then counts it as no help to a right answer and as a win of a wrong one.
      if (score > row[candidate_items[c]] || std::isnan(score)) row[candidate_items[c]] = score;
    }
  }
  return best;
}

double Chance(absl::Span<const int> query_groups, absl::Span<const int> candidate_groups, int k) {
  std::map<int, int> right;
  for (int group : candidate_groups) ++right[group];
  const int n = static_cast<int>(candidate_groups.size());
  double sum = 0;
  int counted = 0;
  for (int group : query_groups) {
    const auto found = right.find(group);
    if (found == right.end()) continue;
    double missed = 1;  // That none of the first i draws is right.
    for (int i = 0; i < std::min(k, n); ++i) missed *= std::max(0.0, 1.0 * (n - found->second - i) / (n - i));
    sum += 1 - missed;
    ++counted;
  }
  return counted == 0 ? 0 : sum / counted;
}

double Auroc(std::vector<float> positives, std::vector<float> negatives) {
  if (positives.empty() || negatives.empty()) return 0.5;
  for (std::vector<float>* scores : {&positives, &negatives}) {
    for (float& score : *scores) {
      if (std::isnan(score)) score = -std::numeric_limits<float>::infinity();
    }
  }
  std::sort(negatives.begin(), negatives.end());
  double wins = 0;
  for (float score : positives) {
    const auto [low, high] = std::equal_range(negatives.begin(), negatives.end(), score);
    wins += (low - negatives.begin()) + 0.5 * (high - low);
  }
  return wins / positives.size() / negatives.size();
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
    mean.chance_r1 += run.chance_r1 / runs.size();
    mean.chance_r10 += run.chance_r10 / runs.size();
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
