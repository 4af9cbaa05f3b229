#include "index/vector/hnsw/hnsw_graph.h"

#include <algorithm>
#include <utility>

namespace mixmatch::index {

template <typename Scorer>
HnswFound HnswGraph::Walk(const Scorer& scorer, const HnswSearch& search) const {
  constexpr size_t kKept = 16;
  HnswFound found;
  if (links_.size() == 0) return found;
  std::unique_ptr<Walker> walker;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!walkers_.empty()) {
      walker = std::move(walkers_.back());
      walkers_.pop_back();
    }
  }
  if (walker == nullptr) walker = std::make_unique<Walker>(links_);
  found.rows = walker->Search(scorer, search.ef, search.allowed, search.budget, search.barred);
  found.finished = walker->finished();
  std::lock_guard<std::mutex> lock(mutex_);
  if (walkers_.size() < kKept) walkers_.push_back(std::move(walker));
  return found;
}

HnswFound HnswGraph::Search(const Rows& rows, const float* padded_query, const HnswSearch& search) const {
  return Walk(FloatScorer(rows, padded_query), search);
}

HnswFound HnswGraph::Search(const Codes& codes, const CodeQuery& query, const HnswSearch& search) const {
  return Walk(CodeScorer(codes, query), search);
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
