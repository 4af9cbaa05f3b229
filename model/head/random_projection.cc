#include "model/head/random_projection.h"

#include <cmath>

namespace mixmatch::model {

std::vector<float> RandomProjection(int from, int to, uint64_t seed) {
  uint64_t state = seed * 0x9e3779b97f4a7c15ull + 0x2545f4914f6cdd1dull;
  const auto next = [&state] {  // SplitMix64 (Steele et al. 2014).
    uint64_t z = (state += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
  };
  const auto uniform = [&next] { return (static_cast<double>(next() >> 11) + 0.5) * 0x1.0p-53; };
  std::vector<float> out(static_cast<size_t>(from) * to);
  const double scale = 1.0 / std::sqrt(static_cast<double>(to));
  for (size_t i = 0; i < out.size(); i += 2) {
    const double radius = scale * std::sqrt(-2.0 * std::log(uniform())), angle = 6.283185307179586 * uniform();
    out[i] = static_cast<float>(radius * std::cos(angle));
    if (i + 1 < out.size()) out[i + 1] = static_cast<float>(radius * std::sin(angle));
  }
  return out;
}

std::vector<float> SharedProjection(int from, int to, uint64_t seed) {
  return RandomProjection(from, to, seed ^ 0x7368617265640000ull);
}

}  // namespace mixmatch::model
