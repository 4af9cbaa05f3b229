// Clustered unit vectors, made row by row from a seed.
#ifndef MIXMATCH_TESTS_BENCH_INDEX_CLUSTERS_H_
#define MIXMATCH_TESTS_BENCH_INDEX_CLUSTERS_H_

#include <cstdint>
#include <vector>

namespace mixmatch::index_bench {

// A vector is B (c + spread * z) + ambient * a, taken to unit length: c one of `centres` points and z noise, both of
// expected length 1 in `latent` dimensions; B an embedding of these into `dim` that keeps lengths nearly; a noise of
// expected length 1 in all dimensions. Clusters overlap: nearest neighbors come from several.
struct ClusterOptions {
  int dim = 512;
  int centres = 1000;
  int latent = 32;
  float spread = 1.0f;
  float ambient = 0.35f;
  uint64_t seed = 1;
};

// Immutable.
class Clusters {
 public:
  explicit Clusters(const ClusterOptions& options);

  // Writes dim floats. The same for a row in whatever order and number rows are asked for.
  void Row(uint64_t row, float* vector) const;
  int ClusterOf(uint64_t row) const;
  int dim() const { return options_.dim; }

 private:
  ClusterOptions options_;
  std::vector<float> basis_;    // [latent, dim]
  std::vector<float> centres_;  // [centres, latent]
};

}  // namespace mixmatch::index_bench

#endif  // MIXMATCH_TESTS_BENCH_INDEX_CLUSTERS_H_
