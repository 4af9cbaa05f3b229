#include "index/vector/recall.h"

#include <algorithm>

namespace mixmatch::index {
namespace {

constexpr int kNearest = 10;
constexpr size_t kFewestReal = 16;
constexpr int kLadder[] = {12, 16, 20, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 256, 320, 384, 512, 768,
                           RecallProbe::kLargestEf};

}  // namespace

RecallProbe::RecallProbe(const Segment& segment, int stored, const std::vector<std::vector<float>>& queries) {
  const Rows& rows = segment.data().rows;
  const std::vector<int64_t> live = segment.LiveRows();
  const int64_t count = std::min<int64_t>(stored, live.size());
  const AlignedFloats buffer = NewAlignedFloats(rows.stride());
  for (int64_t i = 0; i < count; ++i) {
    const int64_t row = live[live.size() * i / count];
    queries_.push_back({PaddedCopy({rows.Fetch(row, buffer.get()), static_cast<size_t>(rows.dim())}), row, {}});
  }
  if (queries.size() >= kFewestReal && !live.empty()) {
    for (const std::vector<float>& query : queries) queries_.push_back({PaddedCopy(query), -1, {}});
  }
  FindNearest(segment);
}

void RecallProbe::FindNearest(const Segment& segment) {
  constexpr int64_t kBlock = 32;  // Rows that stay near while every query is compared with them.
  const Rows& rows = segment.data().rows;
  std::vector<TopK> found(queries_.size(), TopK(kNearest));
  float scores[kBlock];
  for (int64_t first = 0; first < rows.size(); first += kBlock) {
    const int64_t count = std::min(kBlock, rows.size() - first);
    for (size_t q = 0; q < queries_.size(); ++q) {
      BestKernels().dot_rows(queries_[q].vector.get(), rows.row(first), count, rows.stride(), scores);
      for (int64_t i = 0; i < count; ++i) {
        if (scores[i] < found[q].bound() || first + i == queries_[q].self || !segment.IsLive(first + i)) continue;
        found[q].Push({segment.data().ids[first + i], scores[i]});
      }
    }
  }
  rows.ForgetPages();
  for (size_t q = 0; q < queries_.size(); ++q) {
    for (const Neighbor& neighbor : found[q].Take()) queries_[q].nearest.push_back(neighbor.id);
    std::sort(queries_[q].nearest.begin(), queries_[q].nearest.end());
  }
}

double RecallProbe::Recall(const Segment& segment, int ef, double rescore) const {
  double found[2] = {0, 0}, wanted[2] = {0, 0};  // Of stored, of real queries.
  for (const Query& query : queries_) {
    SegmentSearch search;
    search.padded_query = query.vector.get();
    search.k = kNearest;
    search.barred = query.self;
    search.ef = ef;
    search.rescore = rescore;
    TopK top(search.k);
    segment.SearchInto(search, top);
    const bool real = query.self < 0;
    wanted[real] += query.nearest.size();
    for (const Neighbor& neighbor : top.Take()) {
      found[real] += std::binary_search(query.nearest.begin(), query.nearest.end(), neighbor.id);
    }
  }
  double recall = 1;
  for (int kind : {0, 1}) {
    if (wanted[kind] > 0) recall = std::min(recall, found[kind] / wanted[kind]);
  }
  return recall;
}

int RecallProbe::SmallestEf(const Segment& segment, double target, double rescore) const {
  for (int ef : kLadder) {
    if (Recall(segment, ef, rescore) >= target) return ef;
  }
  return kLargestEf;
}

}  // namespace mixmatch::index
