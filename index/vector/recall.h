// How well a segment's graph finds the nearest, and how broad its searches must be to find them.
#ifndef MIXMATCH_INDEX_VECTOR_RECALL_H_
#define MIXMATCH_INDEX_VECTOR_RECALL_H_

#include <cstdint>
#include <vector>

#include "index/vector/rows.h"
#include "index/vector/segment.h"

namespace mixmatch::index {

// Queries and their exact 10 nearest live rows of one segment.
class RecallProbe {
 public:
  // Asks with `stored` live rows, spread evenly, each for its nearest but itself, on ways that do not pass by itself: a row's
  // own links lead to just what is asked for, which no real query has. And asks with `queries` (dim floats each).
  RecallProbe(const Segment& segment, int stored, const std::vector<std::vector<float>>& queries);

  // Mean share of the nearest that graph searches of this breadth find: the smaller one of stored and real queries, where
  // there are 16 or more of these. 1 if there is nothing to ask with. `segment` is the one of the constructor, or one with
  // the same rows and another graph.
  double Recall(const Segment& segment, int ef, double rescore) const;

  // The smallest breadth of a fixed ladder that reaches `target`; the ladder's last if none does.
  int SmallestEf(const Segment& segment, double target, double rescore) const;

  static constexpr int kLargestEf = 1024;

 private:
  struct Query {
    AlignedFloats vector;
    int64_t self = -1;  // Row; -1: of nobody.
    std::vector<PartId> nearest;
  };
  void FindNearest(const Segment& segment);

  std::vector<Query> queries_;
};

}  // namespace mixmatch::index

#endif  // MIXMATCH_INDEX_VECTOR_RECALL_H_
