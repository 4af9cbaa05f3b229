// An immutable set of vectors, with or without a graph, of which single ones can be declared dead.
#ifndef MIXMATCH_INDEX_VECTOR_SEGMENT_H_
#define MIXMATCH_INDEX_VECTOR_SEGMENT_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "index/vector/hnsw/hnsw_graph.h"
#include "index/vector/rows.h"
#include "index/vector/top_k.h"
#include "index/vector/vector_index.h"

namespace mixmatch::index {

// ids[i] is the part of row i; ascending.
struct SegmentRows {
  explicit SegmentRows(int dim) : rows(dim) {}
  std::vector<PartId> ids;
  Rows rows;
};

// One bit a row. Thread-safe; a bit once set stays.
class Tombstones {
 public:
  explicit Tombstones(int64_t rows) : words_((rows + 63) / 64) {}
  // As they are now; no bit may be set meanwhile.
  Tombstones(const Tombstones& other) : words_(other.words_.size()), count_(other.count()) {
    for (size_t i = 0; i < words_.size(); ++i) words_[i] = other.words_[i].load();
  }
  bool has(int64_t row) const { return words_[row / 64].load(std::memory_order_acquire) >> (row % 64) & 1; }
  // False if it was set.
  bool Set(int64_t row) {
    const uint64_t bit = uint64_t{1} << (row % 64);
    if (words_[row / 64].fetch_or(bit, std::memory_order_acq_rel) & bit) return false;
    count_.fetch_add(1, std::memory_order_acq_rel);
    return true;
  }
  int64_t count() const { return count_.load(std::memory_order_acquire); }

 private:
  std::vector<std::atomic<uint64_t>> words_;
  std::atomic<int64_t> count_{0};
};

struct SegmentSearch {
  const float* padded_query = nullptr;
  int64_t k = 0;
  int ef = 0;
  const PartFilter* filter = nullptr;
  bool exact = false;
};

// Thread-safe.
class Segment {
 public:
  // `graph` may be null: then every search is exact.
  Segment(std::shared_ptr<const SegmentRows> rows, std::shared_ptr<Tombstones> dead,
          std::shared_ptr<const HnswGraph> graph)
      : rows_(std::move(rows)), dead_(std::move(dead)), graph_(std::move(graph)) {}

  // The same rows and tombstones with another graph.
  std::shared_ptr<const Segment> With(std::shared_ptr<const HnswGraph> graph) const {
    return std::make_shared<Segment>(rows_, dead_, std::move(graph));
  }

  // The same rows and graph with the tombstones as they are now; no part may be killed meanwhile.
  std::shared_ptr<const Segment> Frozen() const {
    return std::make_shared<Segment>(rows_, std::make_shared<Tombstones>(*dead_), graph_);
  }

  const SegmentRows& data() const { return *rows_; }
  const std::shared_ptr<const HnswGraph>& graph() const { return graph_; }
  int64_t size() const { return rows_->rows.size(); }
  int64_t dead() const { return dead_->count(); }
  int64_t live() const { return size() - dead(); }
  bool IsLive(int64_t row) const { return !dead_->has(row); }

  // The row of a live part, or -1.
  int64_t Find(PartId id) const;
  // Declares a part dead; false if it was not live here.
  bool Kill(PartId id) const;

  // Shows `found` the neighbors: all live ones that the filter lets through, or, with a graph and unless search.exact,
  // the nearest k that the graph leads to. If k or more exist, k are shown.
  absl::Status SearchInto(const SegmentSearch& search, TopK& found) const;

 private:
  void ScanInto(const SegmentSearch& search, TopK& found) const;

  const std::shared_ptr<const SegmentRows> rows_;
  const std::shared_ptr<Tombstones> dead_;
  const std::shared_ptr<const HnswGraph> graph_;
};

// Mean share of the exact 10 nearest that the graph finds, over `probes` rows of the segment; 1 for an empty one.
absl::StatusOr<double> GraphRecall(const Segment& segment, int ef, int probes);

}  // namespace mixmatch::index

#endif  // MIXMATCH_INDEX_VECTOR_SEGMENT_H_
