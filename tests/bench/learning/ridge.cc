#include "tests/bench/learning/ridge.h"

#include <cmath>

#include "model/target_clones.h"

namespace mixmatch::bench {
namespace {

MIXMATCH_CLONES
void AddScaled(double scale, const float* row, int dim, double* out) {
  for (int j = 0; j < dim; ++j) out[j] += scale * row[j];
}

MIXMATCH_CLONES
void AddScaled(double scale, const double* row, int dim, double* out) {
  for (int j = 0; j < dim; ++j) out[j] += scale * row[j];
}

// a' b, [dim, dim].
std::vector<double> Cross(const Vectors& a, const Vectors& b) {
  std::vector<double> product(static_cast<size_t>(a.dim) * b.dim, 0.0);
  for (size_t r = 0; r < a.rows(); ++r) {
    for (int i = 0; i < a.dim; ++i) AddScaled(a.row(r)[i], b.row(r).data(), b.dim, &product[size_t{1} * i * b.dim]);
  }
  return product;
}

// Solves gram X = right for a positive definite gram, both [n, n]; right becomes X. Gaussian elimination by rows: no
// pivots are needed.
void SolveInPlace(std::vector<double>& gram, std::vector<double>& right, int n) {
  for (int k = 0; k < n; ++k) {
    for (int i = k + 1; i < n; ++i) {
      const double factor = -gram[size_t{1} * i * n + k] / gram[size_t{1} * k * n + k];
      if (factor == 0.0) continue;
      AddScaled(factor, &gram[size_t{1} * k * n + k], n - k, &gram[size_t{1} * i * n + k]);
      AddScaled(factor, &right[size_t{1} * k * n], n, &right[size_t{1} * i * n]);
    }
  }
  for (int i = n - 1; i >= 0; --i) {
    for (int k = i + 1; k < n; ++k) {
      AddScaled(-gram[size_t{1} * i * n + k], &right[size_t{1} * k * n], n, &right[size_t{1} * i * n]);
    }
    const double scale = 1.0 / gram[size_t{1} * i * n + i];
    for (int j = 0; j < n; ++j) right[size_t{1} * i * n + j] *= scale;
  }
}

double MeanCosine(const Vectors& a, const Vectors& b) {
  double sum = 0;
  for (size_t r = 0; r < a.rows(); ++r) {
    for (int j = 0; j < a.dim; ++j) sum += a.row(r)[j] * b.row(r)[j];
  }
  return a.rows() == 0 ? 0 : sum / a.rows();
}

void Push(const Vectors& from, size_t row, Vectors* to) {
  to->dim = from.dim;
  to->values.insert(to->values.end(), from.row(row).begin(), from.row(row).end());
}

}  // namespace

std::vector<double> FitRidge(const Vectors& from, const Vectors& to, double lambda) {
  const int n = from.dim;
  std::vector<double> gram = Cross(from, from), right = Cross(from, to);
  double trace = 0;
  for (int i = 0; i < n; ++i) trace += gram[size_t{1} * i * n + i];
  const double ridge = lambda * trace / n;
  for (int i = 0; i < n; ++i) {
    gram[size_t{1} * i * n + i] += ridge;
    right[size_t{1} * i * n + i] += ridge;
  }
  SolveInPlace(gram, right, n);
  return right;
}

Vectors Apply(const std::vector<double>& map, const Vectors& vectors) {
  Vectors mapped;
  mapped.dim = vectors.dim;
  mapped.values.reserve(vectors.values.size());
  for (size_t r = 0; r < vectors.rows(); ++r) {
    std::vector<double> row(vectors.dim, 0.0);
    for (int i = 0; i < vectors.dim; ++i) {
      AddScaled(vectors.row(r)[i], &map[size_t{1} * i * vectors.dim], vectors.dim, row.data());
    }
    double energy = 0;
    for (double value : row) energy += value * value;
    const double scale = energy > 0 ? 1.0 / std::sqrt(energy) : 0.0;
    for (double value : row) mapped.values.push_back(static_cast<float>(value * scale));
  }
  return mapped;
}

std::vector<double> FitChosenRidge(const Vectors& from, const Vectors& to, const std::vector<double>& lambdas) {
  Vectors fit_from, fit_to, held_from, held_to;
  for (size_t r = 0; r < from.rows(); ++r) {
    const bool held = r % 5 == 4;
    Push(from, r, held ? &held_from : &fit_from);
    Push(to, r, held ? &held_to : &fit_to);
  }
  double best = -2, chosen = lambdas.front();
  for (double lambda : lambdas) {
    if (held_from.rows() == 0) break;
    const double agreement = MeanCosine(Apply(FitRidge(fit_from, fit_to, lambda), held_from), held_to);
    if (agreement > best) {
      best = agreement;
      chosen = lambda;
    }
  }
  return FitRidge(from, to, chosen);
}

}  // namespace mixmatch::bench
