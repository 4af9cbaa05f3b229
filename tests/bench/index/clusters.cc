#include "tests/bench/index/clusters.h"

#include <cmath>

namespace mixmatch::index_bench {
namespace {

// SplitMix64 (Steele, Lea, Flood 2014): any state is a good one, so each row has a stream of its own.
class Stream {
 public:
  Stream(uint64_t seed, uint64_t row) : state_(Mix(seed * 0x9e3779b97f4a7c15u + Mix(row + 1))) {}

  uint64_t Next() { return Mix(state_ += 0x9e3779b97f4a7c15u); }
  float Uniform() { return static_cast<float>((Next() >> 40) + 1) * 0x1p-24f; }  // Above 0, at most 1.

  // Standard normal numbers, in pairs (Box and Muller).
  void Normals(float scale, int count, float* out) {
    for (int i = 0; i < count; i += 2) {
      const float radius = scale * std::sqrt(-2.0f * std::log(Uniform()));
      const float angle = 6.2831853f * Uniform();
      out[i] = radius * std::cos(angle);
      if (i + 1 < count) out[i + 1] = radius * std::sin(angle);
    }
  }

 private:
  static uint64_t Mix(uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
  }
  uint64_t state_;
};

constexpr uint64_t kBasis = ~uint64_t{0}, kCentres = ~uint64_t{1};  // Streams that belong to no row.

}  // namespace

Clusters::Clusters(const ClusterOptions& options)
    : options_(options), basis_(options.latent * options.dim), centres_(options.centres * options.latent) {
  Stream(options.seed, kBasis).Normals(1.0f / std::sqrt(options.dim), basis_.size(), basis_.data());
  Stream(options.seed, kCentres).Normals(1.0f / std::sqrt(options.latent), centres_.size(), centres_.data());
}

int Clusters::ClusterOf(uint64_t row) const {
  return static_cast<int>(Stream(options_.seed, row).Next() % static_cast<uint64_t>(options_.centres));
}

void Clusters::Row(uint64_t row, float* vector) const {
  Stream stream(options_.seed, row);
  const float* centre = &centres_[stream.Next() % static_cast<uint64_t>(options_.centres) * options_.latent];
  std::vector<float> latent(options_.latent);
  stream.Normals(options_.spread / std::sqrt(options_.latent), options_.latent, latent.data());
  stream.Normals(options_.ambient / std::sqrt(options_.dim), options_.dim, vector);
  for (int j = 0; j < options_.latent; ++j) {
    const float weight = centre[j] + latent[j];
    const float* direction = &basis_[j * options_.dim];
    for (int d = 0; d < options_.dim; ++d) vector[d] += weight * direction[d];
  }
  float square = 0;
  for (int d = 0; d < options_.dim; ++d) square += vector[d] * vector[d];
  const float scale = 1.0f / std::sqrt(square);
  for (int d = 0; d < options_.dim; ++d) vector[d] *= scale;
}

}  // namespace mixmatch::index_bench
