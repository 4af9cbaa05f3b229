// An immutable set of vectors, with or without a graph, of which single ones can be declared dead.
#ifndef MIXMATCH_INDEX_VECTOR_SEGMENT_H_
#define MIXMATCH_INDEX_VECTOR_SEGMENT_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "index/vector/codes.h"
#include "index/vector/hnsw/hnsw_graph.h"
#include "index/vector/manifest_file.h"
#include "index/vector/rows.h"
#include "index/vector/sketches.h"
#include "index/vector/tombstones.h"
#include "index/vector/top_k.h"
#include "index/vector/vector_index.h"

namespace mixmatch::index {

// ids[i] is the part of row i; ascending.
struct SegmentRows {
  explicit SegmentRows(int dim) : rows(dim) {}
  std::vector<PartId> ids;
  Rows rows;
};

// A graph, and what belongs to it.
struct SegmentGraph {
  std::shared_ptr<const HnswGraph> graph;
  std::shared_ptr<const Codes> codes;  // Null: the graph is walked over f32.
  int fresh_ef = 0;                    // The breadth that it needed when it was new; 0: not known.
  bool worn = false;                   // Whether its vectors have changed since it was built.
};

struct SegmentSearch {
  const float* padded_query = nullptr;
  int64_t k = 0;
  int ef = 0;  // 0: the segment's own.
  const PartFilter* filter = nullptr;
  double share = 1.0;  // About what share of the live rows the filter lets through.
  bool exact = false;
  double rescore = 3.0;  // Multiple of k.
  int64_t barred = -1;   // A row that a graph search neither returns nor passes by.
  const StopCheck* stop = nullptr;  // A scan may end early where it says so.
};

// Thread-safe.
class Segment {
 public:
  // Without a graph every search is exact. `sketches` are of all rows, or null: then scans take longer.
  Segment(std::shared_ptr<const SegmentRows> rows, std::shared_ptr<Tombstones> dead, SegmentGraph graph = {},
          int ef = kFirstEf, std::shared_ptr<const Sketches> sketches = nullptr)
      : rows_(std::move(rows)), dead_(std::move(dead)), graph_(std::move(graph)), sketches_(std::move(sketches)), ef_(ef) {}
  static std::shared_ptr<const Segment> Flat(std::shared_ptr<const SegmentRows> rows, std::shared_ptr<Tombstones> dead,
                                             std::shared_ptr<const Sketches> sketches) {
    return std::make_shared<const Segment>(std::move(rows), std::move(dead), SegmentGraph(), kFirstEf, std::move(sketches));
  }

  // The same without its graph, with sketches.
  std::shared_ptr<const Segment> WithSketches() const { return Flat(rows_, dead_, SketchesOf(rows_->rows)); }

  // The same tombstones and parts with another graph, and rows that hold the same values elsewhere.
  std::shared_ptr<const Segment> With(std::shared_ptr<const SegmentRows> rows, SegmentGraph graph, int ef) const {
    return std::make_shared<Segment>(std::move(rows), dead_, std::move(graph), ef);
  }

  // The same rows and graph with the tombstones as they are now; no part may be killed meanwhile.
  std::shared_ptr<const Segment> Frozen() const {
    auto frozen = std::make_shared<Segment>(rows_, std::make_shared<Tombstones>(*dead_), graph_, ef());
    frozen->saved_ = saved_;
    return frozen;
  }

  // Of a copy by Frozen() too. The caller sees to it that one thread at a time uses it.
  SavedSegment& saved() const { return *saved_; }

  const SegmentRows& data() const { return *rows_; }
  const std::shared_ptr<const SegmentRows>& shared_data() const { return rows_; }
  const SegmentGraph& graph() const { return graph_; }
  int64_t sketch_bytes() const { return sketches_ == nullptr ? 0 : sketches_->bytes(); }
  bool has_graph() const { return graph_.graph != nullptr; }
  int64_t size() const { return rows_->rows.size(); }
  int64_t dead() const { return dead_->count(); }
  int64_t live() const { return size() - dead(); }
  bool IsLive(int64_t row) const { return !dead_->has(row); }
  // Bit i % 64 of word i / 64 is row i.
  std::vector<uint64_t> DeadWords() const;
  std::vector<int64_t> LiveRows() const;

  // Breadth of graph searches that name none, for k = 10.
  int ef() const { return ef_.load(std::memory_order_relaxed); }
  void set_ef(int ef) const { ef_.store(ef, std::memory_order_relaxed); }

  // The row of a live part, or -1.
  int64_t Find(PartId id) const;
  // Declares a part dead; false if it was not live here.
  bool Kill(PartId id) const;

  // Shows `found` the neighbors: all live ones that the filter lets through, or, with a graph and unless search.exact or a
  // scan costs less, the nearest k that the graph leads to. If k or more exist, k are shown.
  void SearchInto(const SegmentSearch& search, TopK& found) const;

  static constexpr int kFirstEf = 64;

 private:
  bool Allowed(int64_t row, const PartFilter* filter) const {
    return IsLive(row) && (filter == nullptr || (*filter)(rows_->ids[row]));
  }
  void ScanInto(const SegmentSearch& search, TopK& found) const;
  void ScanCodesInto(const SegmentSearch& search, bool asks_first, TopK& found) const;
  // False if the walk found too few or took too long; `found` then is as before.
  bool WalkInto(const SegmentSearch& search, int64_t wanted, int ef, TopK& found) const;
  int64_t ScanCost(const SegmentSearch& search) const;

  const std::shared_ptr<const SegmentRows> rows_;
  const std::shared_ptr<Tombstones> dead_;
  const SegmentGraph graph_;
  const std::shared_ptr<const Sketches> sketches_;
  std::shared_ptr<SavedSegment> saved_ = std::make_shared<SavedSegment>();
  mutable std::atomic<int> ef_;
};

}  // namespace mixmatch::index

#endif  // MIXMATCH_INDEX_VECTOR_SEGMENT_H_
