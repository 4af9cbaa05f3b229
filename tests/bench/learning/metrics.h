// Measures of retrieval between two sets of unit vectors, and how much a learner forgets along a stream.
#ifndef MIXMATCH_TESTS_BENCH_LEARNING_METRICS_H_
#define MIXMATCH_TESTS_BENCH_LEARNING_METRICS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/span.h"

namespace mixmatch::bench {

// Row-major [rows, dim]; rows of unit length.
struct Vectors {
  int dim = 0;
  std::vector<float> values;

  size_t rows() const { return dim == 0 ? 0 : values.size() / dim; }
  absl::Span<const float> row(size_t i) const { return absl::MakeConstSpan(values).subspan(i * dim, dim); }
};

// All inner products: [queries, candidates] row-major.
std::vector<float> Scores(const Vectors& queries, const Vectors& candidates);

// 1 + number of wrong candidates that score at least as high as the best right one: ties count against. 0 if none is
// right. Query i and candidate j are right for each other when their groups are equal.
std::vector<int> Ranks(absl::Span<const float> scores, absl::Span<const int> query_groups,
                       absl::Span<const int> candidate_groups);

// The best score between the parts of two items: [query items, candidate items] row-major. `items` says of each part
// which item it belongs to, numbered from 0 in order of first appearance.
std::vector<float> BestOfItems(absl::Span<const float> scores, absl::Span<const int> query_items,
                               absl::Span<const int> candidate_items);

// Mean over the queries that have a right answer: the probability that k candidates, drawn blindly without replacement,
// hold one.
double Chance(absl::Span<const int> query_groups, absl::Span<const int> candidate_groups, int k);

// Probability that a positive scores over a negative, both drawn evenly; a tie counts half (area under the ROC curve).
// A score that is not a number is below all others. 0.5 if either has none.
double Auroc(std::vector<float> positives, std::vector<float> negatives);

struct Recall {
  int queries = 0;     // That had a right answer at all.
  int candidates = 0;
  double r1 = 0, r5 = 0, r10 = 0;  // Share of queries with a right answer among the first k.
  double median_rank = 0;
  double chance_r1 = 0, chance_r10 = 0;  // See Chance.
};

Recall RecallOf(absl::Span<const int> ranks, int candidates);

// Mean of each measure, for runs over the same questions.
Recall MeanOf(absl::Span<const Recall> runs);

// Numbers of names such that two things share one exactly when they are linked by equal concepts or equal content.
// concepts[i] and contents[i] describe thing i; an empty content links nothing.
std::vector<int> Groups(absl::Span<const std::string> concepts, absl::Span<const std::string> contents);

// What a stream of stages did. accuracy[t][c], for c <= t, is the figure of stage c's own questions after stage t.
struct StreamSummary {
  double forgetting = 0;         // Mean over stages but the last: best figure over time less the final one.
  double backward_transfer = 0;  // Mean over stages but the last: final figure less the one right after the stage.
  double final_mean = 0;         // Mean over stages, at the end.
};
StreamSummary SummarizeStream(const std::vector<std::vector<double>>& accuracy);

}  // namespace mixmatch::bench

#endif  // MIXMATCH_TESTS_BENCH_LEARNING_METRICS_H_
