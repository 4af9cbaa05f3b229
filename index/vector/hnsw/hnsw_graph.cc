#include "index/vector/hnsw/hnsw_graph.h"

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

}  // namespace mixmatch::index
