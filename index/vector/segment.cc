#include "index/vector/segment.h"

#include <algorithm>

#include "absl/container/flat_hash_set.h"
#include "proto/base/status_macros.h"

namespace mixmatch::index {

int64_t Segment::Find(PartId id) const {
  const auto at = std::lower_bound(rows_->ids.begin(), rows_->ids.end(), id);
  if (at == rows_->ids.end() || *at != id) return -1;
  const int64_t row = at - rows_->ids.begin();
  return IsLive(row) ? row : -1;
}

bool Segment::Kill(PartId id) const {
  const int64_t row = Find(id);
  return row >= 0 && dead_->Set(row);
}

void Segment::ScanInto(const SegmentSearch& search, TopK& found) const {
  rows_->rows.Scan(search.padded_query, [&](int64_t first, int64_t count, const float* scores) {
    for (int64_t i = 0; i < count; ++i) {
      if (scores[i] < found.bound()) continue;
      const Neighbor neighbor{rows_->ids[first + i], scores[i]};
      // The filter is the dearest question, so it comes last.
      if (found.Wants(neighbor) && IsLive(first + i) && (search.filter == nullptr || (*search.filter)(neighbor.id))) {
        found.Push(neighbor);
      }
    }
  });
}

absl::Status Segment::SearchInto(const SegmentSearch& search, TopK& found) const {
  const int64_t wanted = std::min(search.k, live());
  if (graph_ == nullptr || search.exact || wanted > size() / 4) {
    ScanInto(search, found);
    return absl::OkStatus();
  }
  auto allowed = [&](int64_t row) {
    return IsLive(row) && (search.filter == nullptr || (*search.filter)(rows_->ids[row]));
  };
  MIXMATCH_ASSIGN_OR_RETURN(const auto rows,
                            graph_->Search(rows_->rows, search.padded_query, wanted, search.ef, allowed));
  std::vector<Neighbor> neighbors;
  for (const auto& [row, score] : rows) {
    if (allowed(row)) neighbors.push_back({rows_->ids[row], score});
  }
  if (static_cast<int64_t>(neighbors.size()) < wanted) {  // The filter hides much, or part of the graph is cut off.
    ScanInto(search, found);
    return absl::OkStatus();
  }
  for (const Neighbor& neighbor : neighbors) found.Push(neighbor);
  return absl::OkStatus();
}

absl::StatusOr<double> GraphRecall(const Segment& segment, int ef, int probes) {
  std::vector<int64_t> live;
  for (int64_t row = 0; row < segment.size(); ++row) {
    if (segment.IsLive(row)) live.push_back(row);
  }
  probes = static_cast<int>(std::min<int64_t>(probes, live.size()));
  double found = 0, wanted = 0;
  for (int i = 0; i < probes; ++i) {
    SegmentSearch search;
    search.padded_query = segment.data().rows.row(live[live.size() * i / probes]);
    search.k = 10;
    search.ef = ef;
    TopK graph(search.k), exact(search.k);
    MIXMATCH_RETURN_IF_ERROR(segment.SearchInto(search, graph));
    search.exact = true;
    MIXMATCH_RETURN_IF_ERROR(segment.SearchInto(search, exact));
    absl::flat_hash_set<PartId> right;
    for (const Neighbor& neighbor : exact.Take()) right.insert(neighbor.id);
    wanted += right.size();
    for (const Neighbor& neighbor : graph.Take()) found += right.contains(neighbor.id);
  }
  return wanted == 0 ? 1.0 : found / wanted;
}

}  // namespace mixmatch::index
