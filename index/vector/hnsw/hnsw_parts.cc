// Graphs as they are stored, and as they are walked.
#include <utility>

#include "index/vector/hnsw/hnsw_graph.h"

namespace mixmatch::index {
namespace {

// Whether the lists are as long as the levels say, and every link leads to a vertex that is on the link's level.
bool HoldTogether(const HnswParts& parts, int64_t rows) {
  size_t at = 0;
  for (int64_t i = 0; i < rows; ++i) {
    for (int level = 0; level < parts.levels[i]; ++level) {
      const size_t capacity = (level == 0 ? 2 : 1) * static_cast<size_t>(parts.m);
      if (capacity > parts.neighbors.size() - at) return false;
      for (const size_t end = at + capacity; at < end; ++at) {
        const int32_t neighbor = parts.neighbors[at];
        if (neighbor < -1 || neighbor >= rows || (neighbor >= 0 && parts.levels[neighbor] <= level)) return false;
      }
    }
  }
  return at == parts.neighbors.size();
}

}  // namespace

Links LinksOf(const HnswParts& parts) {
  Links links;
  links.m = parts.m;
  links.entry_point = parts.entry_point;
  links.max_level = parts.max_level;
  links.lowest.reserve(2 * static_cast<size_t>(parts.m) * parts.levels.size());
  auto at = parts.neighbors.begin();
  for (size_t vertex = 0; vertex < parts.levels.size(); ++vertex) {
    links.lowest.insert(links.lowest.end(), at, at + 2 * parts.m);
    at += 2 * parts.m;
    if (parts.levels[vertex] == 1) continue;
    links.upper_vertices.push_back(static_cast<int32_t>(vertex));
    links.upper_begins.push_back(static_cast<int64_t>(links.upper.size()));
    const auto end = at + static_cast<int64_t>(parts.m) * (parts.levels[vertex] - 1);
    links.upper.insert(links.upper.end(), at, end);
    at = end;
  }
  links.upper_begins.push_back(static_cast<int64_t>(links.upper.size()));
  links.upper.shrink_to_fit();
  links.upper_vertices.shrink_to_fit();
  links.upper_begins.shrink_to_fit();
  return links;
}

absl::StatusOr<std::shared_ptr<const HnswGraph>> HnswGraph::FromParts(const HnswParts& parts, int64_t rows) {
  constexpr int kMostLevels = 64;
  const absl::Status bad = absl::DataLossError("index.hnsw: the stored graph does not hold together; build it anew");
  if (parts.m < 2 || parts.m > 1024 || static_cast<int64_t>(parts.levels.size()) != rows || rows < 1) return bad;
  if (parts.entry_point < 0 || parts.entry_point >= rows || parts.max_level < 0) return bad;
  for (int32_t level : parts.levels) {
    if (level < 1 || level > kMostLevels || level - 1 > parts.max_level) return bad;
  }
  if (parts.levels[parts.entry_point] - 1 != parts.max_level || !HoldTogether(parts, rows)) return bad;
  return std::make_shared<const HnswGraph>(LinksOf(parts));
}

HnswParts HnswGraph::ToParts() const {
  HnswParts parts;
  parts.m = links_.m;
  parts.entry_point = links_.entry_point;
  parts.max_level = links_.max_level;
  parts.levels.assign(links_.size(), 1);
  parts.neighbors.reserve(links_.lowest.size() + links_.upper.size());
  size_t next = 0;
  for (int64_t vertex = 0; vertex < links_.size(); ++vertex) {
    const int32_t* lowest = links_.lowest_of(vertex);
    parts.neighbors.insert(parts.neighbors.end(), lowest, lowest + 2 * links_.m);
    if (next == links_.upper_vertices.size() || links_.upper_vertices[next] != vertex) continue;
    const auto begin = links_.upper.begin() + links_.upper_begins[next];
    const auto end = links_.upper.begin() + links_.upper_begins[next + 1];
    parts.levels[vertex] += static_cast<int32_t>((end - begin) / links_.m);
    parts.neighbors.insert(parts.neighbors.end(), begin, end);
    ++next;
  }
  return parts;
}

}  // namespace mixmatch::index
