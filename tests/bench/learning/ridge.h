// A linear map between two spaces, fitted on vectors that exist in both.
#ifndef MIXMATCH_TESTS_BENCH_LEARNING_RIDGE_H_
#define MIXMATCH_TESTS_BENCH_LEARNING_RIDGE_H_

#include <vector>

#include "tests/bench/learning/metrics.h"

namespace mixmatch::bench {

// W minimises |from W - to|^2 + lambda m |W - I|^2, m the mean diagonal of from' from: where the anchors say nothing
// the space stays as it is. Result row-major [dim, dim]. Both sides have the same dim and rows; lambda is over 0.
std::vector<double> FitRidge(const Vectors& from, const Vectors& to, double lambda);

// Rows times the map, then to unit length.
Vectors Apply(const std::vector<double>& map, const Vectors& vectors);

// Fits on all anchors with the lambda, of those given, that brings every fifth anchor nearest to its goal when fitted
// on the others.
std::vector<double> FitChosenRidge(const Vectors& from, const Vectors& to, const std::vector<double>& lambdas);

}  // namespace mixmatch::bench

#endif  // MIXMATCH_TESTS_BENCH_LEARNING_RIDGE_H_
