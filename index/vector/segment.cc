#include "index/vector/segment.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "index/vector/scan.h"

namespace mixmatch::index {
namespace {

// What a step costs, as multiples of an inner product of f32 that comes from memory.
constexpr double kFilterCost = 0.2;   // Asking a filter.
constexpr double kStepCost = 0.8;     // Scoring a vertex in a walk.
constexpr double kStepsPerLink = 0.8; // Vertices scored for each of ef times 2 m.

constexpr int64_t kRowsBetweenLooks = 1024;  // At the stop check.

}  // namespace

std::vector<int64_t> Segment::LiveRows() const {
  std::vector<int64_t> live;
  for (int64_t row = 0; row < size(); ++row) {
    if (IsLive(row)) live.push_back(row);
  }
  return live;
}

std::vector<uint64_t> Segment::DeadWords() const {
  std::vector<uint64_t> words((size() + 63) / 64);
  for (int64_t row = 0; row < size(); ++row) words[row / 64] |= uint64_t{!IsLive(row)} << (row % 64);
  return words;
}

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
  const bool asks_first = search.filter != nullptr && search.share < 1 - kFilterCost;  // That saves most products.
  if (graph_.codes != nullptr) return ScanCodesInto(search, asks_first, found);
  const Rows& rows = rows_->rows;
  const auto allowed = [&](int64_t row) { return Allowed(row, search.filter); };
  if (!asks_first) {
    const float floor = -std::numeric_limits<float>::infinity();
    return Scan(rows, sketches_.get(), search.padded_query, rows_->ids, allowed, floor, search.stop, found);
  }
  for (int64_t row = 0; row < size(); ++row) {
    if (row % kRowsBetweenLooks == 0 && Stopped(search.stop)) return;
    if (!allowed(row)) continue;
    found.Push({rows_->ids[row], BestKernels().dot(search.padded_query, rows.row(row), rows.stride())});
  }
}

// A scan of the codes says which few rows to read. The error of a score over codes is a sum of many small independent ones,
// so a margin of ten standard deviations leaves nothing out.
void Segment::ScanCodesInto(const SegmentSearch& search, bool asks_first, TopK& found) const {
  const Rows& rows = rows_->rows;
  const Codes& codes = *graph_.codes;
  const CodeQuery query = codes.Query(search.padded_query);
  const Kernels& kernels = BestKernels();
  const double norm = std::sqrt(std::max(0.0f, kernels.dot(search.padded_query, search.padded_query, rows.stride())));
  float largest = 0;
  for (float scale : codes.scales()) largest = std::max(largest, scale);
  // A rounding error is even over a step. The row's error meets the query's values, the query's error the row's values.
  const double row_norm = largest * 127.0 * std::sqrt(static_cast<double>(rows.dim()));
  const float margin = static_cast<float>(
      2 * 10 / std::sqrt(12.0) * (largest * norm + query.scale * std::min(row_norm, 1.5)));
  TopK bound(search.k);
  std::vector<Scored> candidates;
  const auto offer = [&](int64_t row, int32_t product, bool is_allowed) {
    const float score = static_cast<float>(product - query.bias) * codes.scale(row) * query.scale;
    if (score < bound.bound() - margin || !(is_allowed || Allowed(row, search.filter))) return;
    candidates.push_back({score, static_cast<int32_t>(row)});
    bound.Push({rows_->ids[row], score});
  };
  int32_t products[kRowsBetweenLooks];
  for (int64_t first = 0; first < size(); first += kRowsBetweenLooks) {
    if (Stopped(search.stop)) return;
    const int64_t count = std::min(kRowsBetweenLooks, size() - first);
    if (asks_first) {
      for (int64_t row = first; row < first + count; ++row) {
        if (!Allowed(row, search.filter)) continue;
        offer(row, kernels.code_dot(query.codes.get(), codes.row(row), codes.stride()), true);
      }
    } else {
      kernels.code_rows(query.codes.get(), codes.row(first), count, codes.stride(), products);
      for (int64_t i = 0; i < count; ++i) offer(first + i, products[i], false);
    }
  }
  const AlignedFloats buffer = NewAlignedFloats(rows.stride());
  for (const Scored& candidate : candidates) {
    if (candidate.score < bound.bound() - margin) continue;
    const float* row = rows.Fetch(candidate.row, buffer.get());
    found.Push({rows_->ids[candidate.row], kernels.dot(search.padded_query, row, rows.stride())});
  }
}

bool Segment::WalkInto(const SegmentSearch& search, int64_t wanted, int ef, TopK& found) const {
  const Rows& rows = rows_->rows;
  const auto is_allowed = [&](int64_t row) { return Allowed(row, search.filter); };
  const absl::FunctionRef<bool(int64_t)> allowed(is_allowed);
  HnswSearch walk;
  walk.ef = ef;
  walk.barred = static_cast<int32_t>(search.barred);
  if (search.filter != nullptr || dead() > 0) walk.allowed = &allowed;
  if (search.filter != nullptr) walk.budget = ScanCost(search);
  HnswFound met;
  if (graph_.codes == nullptr) {
    met = graph_.graph->Search(rows, search.padded_query, walk);
  } else {
    met = graph_.graph->Search(*graph_.codes, graph_.codes->Query(search.padded_query), walk);
  }
  if (!met.finished || static_cast<int64_t>(met.rows.size()) < wanted) return false;
  std::vector<Neighbor> neighbors;
  const AlignedFloats buffer = NewAlignedFloats(rows.stride());
  int64_t rescored = static_cast<int64_t>(met.rows.size());
  if (graph_.codes != nullptr) rescored = std::min<int64_t>(rescored, std::ceil(wanted * search.rescore));
  for (int64_t i = 0; i < rescored; ++i) {
    const Scored& vertex = met.rows[i];
    if (!IsLive(vertex.row) || vertex.row == search.barred) continue;  // Killed since, or the entry point.
    float score = vertex.score;
    if (graph_.codes != nullptr) {
      if (!rows.on_disk() && i + 4 < rescored) __builtin_prefetch(rows.row(met.rows[i + 4].row));
      score = BestKernels().dot(search.padded_query, rows.Fetch(vertex.row, buffer.get()), rows.stride());
    }
    neighbors.push_back({rows_->ids[vertex.row], score});
  }
  if (static_cast<int64_t>(neighbors.size()) < wanted) return false;
  for (const Neighbor& neighbor : neighbors) found.Push(neighbor);
  return true;
}

int64_t Segment::ScanCost(const SegmentSearch& search) const {
  const double share = search.filter == nullptr ? 1.0 : search.share;
  const double asked = search.filter == nullptr ? 0.0 : kFilterCost;
  return static_cast<int64_t>(size() * (asked + share)) + 1;
}

void Segment::SearchInto(const SegmentSearch& search, TopK& found) const {
  const int64_t wanted = std::min(search.k, live());
  if (!has_graph() || search.exact || wanted > size() / 4) return ScanInto(search, found);
  int64_t ef = search.ef;
  // Finding the nearest k of a share s is like finding the nearest k / s of all, of which s pass: breadth grows as the root of
  // their number. The dead do not pass either.
  const double share = search.share * live() / std::max<int64_t>(1, size());
  if (ef == 0) ef = this->ef() * std::sqrt(std::max(1.0, wanted / 10.0) * share);
  ef = std::min(std::max<int64_t>(ef, search.ef > 0 ? wanted : wanted + wanted / 2), live());
  const double steps = ef * 2.0 * graph_.graph->m() * kStepsPerLink / std::max(search.share, 1e-6);
  if (search.filter != nullptr && steps * kStepCost > ScanCost(search)) return ScanInto(search, found);
  // A walk that the filter hides too much from, or that cannot reach a part of the graph, is followed by a scan.
  if (!WalkInto(search, wanted, static_cast<int>(ef), found)) ScanInto(search, found);
}

}  // namespace mixmatch::index
