// The links of a graph, laid out for walking.
#ifndef MIXMATCH_INDEX_VECTOR_HNSW_LINKS_H_
#define MIXMATCH_INDEX_VECTOR_HNSW_LINKS_H_

#include <algorithm>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace mixmatch::index {

// Vertices are numbered from 0. A list of links ends at its capacity or at the first -1.
struct Links {
  int m = 0;  // Capacity of a list above level 0; twice that on level 0.
  int32_t entry_point = -1;
  int32_t max_level = -1;
  std::vector<int32_t> lowest;  // 2 m for each vertex.
  // The vertices above level 0, ascending, and where in `upper` their lists begin: m for each level from 1.
  std::vector<int32_t> upper_vertices;
  std::vector<int64_t> upper_begins;  // One more than vertices.
  std::vector<int32_t> upper;

  int64_t size() const { return static_cast<int64_t>(lowest.size()) / std::max(1, 2 * m); }
  int64_t bytes() const {
    return sizeof(int32_t) * (lowest.size() + upper_vertices.size() + upper.size()) + sizeof(int64_t) * upper_begins.size();
  }

  const int32_t* lowest_of(int64_t vertex) const { return &lowest[vertex * 2 * m]; }

  // Level 1 and above; empty if the vertex is not on it.
  absl::Span<const int32_t> upper_of(int32_t vertex, int level) const {
    const auto at = std::lower_bound(upper_vertices.begin(), upper_vertices.end(), vertex);
    if (at == upper_vertices.end() || *at != vertex) return {};
    const size_t i = at - upper_vertices.begin();
    const int64_t begin = upper_begins[i] + static_cast<int64_t>(level - 1) * m;
    if (begin + m > upper_begins[i + 1]) return {};
    return {&upper[begin], static_cast<size_t>(m)};
  }
};

struct HnswParts;

// `parts` must hold together.
Links LinksOf(const HnswParts& parts);

}  // namespace mixmatch::index

#endif  // MIXMATCH_INDEX_VECTOR_HNSW_LINKS_H_
