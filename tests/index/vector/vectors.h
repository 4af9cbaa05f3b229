// Seeded unit vectors with the clusters that embeddings have.
#ifndef MIXMATCH_TESTS_INDEX_VECTOR_VECTORS_H_
#define MIXMATCH_TESTS_INDEX_VECTOR_VECTORS_H_

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "absl/types/span.h"
#include "index/vector/vector_index.h"

namespace mixmatch::index {

class Vectors {
 public:
  Vectors(int count, int dim, int seed) : dim_(dim) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    constexpr int kCenters = 16;
    std::vector<float> centers(kCenters * dim);
    std::mt19937 center_random(1);  // The same for all seeds, so that queries resemble the data.
    for (float& value : centers) value = normal(center_random);
    for (int i = 0; i < count; ++i) {
      const float* center = &centers[(random() % kCenters) * dim];
      std::vector<float> vector(dim);
      float square = 0;
      for (int j = 0; j < dim; ++j) {
        vector[j] = center[j] + normal(random);
        square += vector[j] * vector[j];
      }
      for (float value : vector) all_.push_back(value / std::sqrt(square));
    }
  }

  absl::Span<const float> operator[](int64_t i) const { return {&all_[i * dim_], static_cast<size_t>(dim_)}; }
  const std::vector<float>& all() const { return all_; }

 private:
  const int dim_;
  std::vector<float> all_;
};

inline std::vector<PartId> Ids(const std::vector<Neighbor>& neighbors) {
  std::vector<PartId> ids;
  for (const Neighbor& neighbor : neighbors) ids.push_back(neighbor.id);
  return ids;
}

}  // namespace mixmatch::index

#endif  // MIXMATCH_TESTS_INDEX_VECTOR_VECTORS_H_
