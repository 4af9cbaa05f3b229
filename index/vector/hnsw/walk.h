// The beam search of a graph, over any way of scoring its vertices.
#ifndef MIXMATCH_INDEX_VECTOR_HNSW_WALK_H_
#define MIXMATCH_INDEX_VECTOR_HNSW_WALK_H_

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "index/vector/codes.h"
#include "index/vector/hnsw/links.h"
#include "index/vector/kernels.h"
#include "index/vector/rows.h"

namespace mixmatch::index {

struct Scored {
  float score;
  int32_t row;
};
// Orders; types, so that sorting takes them inline.
struct Better {
  bool operator()(const Scored& a, const Scored& b) const { return a.score > b.score; }
};
struct Worse {
  bool operator()(const Scored& a, const Scored& b) const { return a.score < b.score; }
};

// Marks vertices; all marks are taken away at once in most cases.
class Visited {
 public:
  explicit Visited(int64_t vertices) : marks_(vertices) {}
  void Clear() {
    if (++mark_ != 0) return;
    std::fill(marks_.begin(), marks_.end(), 0);
    mark_ = 1;
  }
  // Whether it was not marked.
  bool Mark(int32_t vertex) { return std::exchange(marks_[vertex], mark_) != mark_; }

 private:
  std::vector<uint8_t> marks_;
  uint8_t mark_ = 0;
};

// Scores are inner products of f32.
class FloatScorer {
 public:
  FloatScorer(const Rows& rows, const float* padded_query) : rows_(rows), query_(padded_query) {}
  void Prefetch(int32_t row) const { rows_.Prefetch(row); }
  float One(int32_t row) const { return kernels_.dot(query_, rows_.row(row), rows_.stride()); }
  void Four(const int32_t* rows, float* out) const {
    const float* at[4] = {rows_.row(rows[0]), rows_.row(rows[1]), rows_.row(rows[2]), rows_.row(rows[3])};
    kernels_.dot_4(query_, at, rows_.stride(), out);
  }

 private:
  const Kernels& kernels_ = BestKernels();
  const Rows& rows_;
  const float* query_;
};

// Scores are inner products of codes, as multiples of the query's scale.
class CodeScorer {
 public:
  CodeScorer(const Codes& codes, const CodeQuery& query) : codes_(codes), query_(query) {}
  void Prefetch(int32_t row) const {
    const char* at = reinterpret_cast<const char*>(codes_.row(row));
    for (size_t i = 0; i < codes_.stride(); i += 64) __builtin_prefetch(at + i);
    __builtin_prefetch(codes_.scale_address(row));
  }
  float One(int32_t row) const {
    return static_cast<float>(kernels_.code_dot(query_.codes.get(), codes_.row(row), codes_.stride()) - query_.bias) *
           codes_.scale(row);
  }
  void Four(const int32_t* rows, float* out) const {
    const uint8_t* at[4] = {codes_.row(rows[0]), codes_.row(rows[1]), codes_.row(rows[2]), codes_.row(rows[3])};
    int32_t products[4];
    kernels_.code_4(query_.codes.get(), at, codes_.stride(), products);
    for (int i = 0; i < 4; ++i) out[i] = static_cast<float>(products[i] - query_.bias) * codes_.scale(rows[i]);
  }

 private:
  const Kernels& kernels_ = BestKernels();
  const Codes& codes_;
  const CodeQuery& query_;
};

// Goes through a graph towards the best vertices. Keeps its buffers between walks; not thread-safe.
class Walker {
 public:
  explicit Walker(const Links& links) : links_(links), visited_(links.size()), fresh_(2 * links.m) {}

  // The best `ef` vertices that were met and are allowed (null: all are), best first; valid until the next walk. Ends early
  // after about `budget` scores; finished() then is false. Does not pass by the vertex `barred` (-1: none) but to begin
  // there. The graph must not be empty.
  template <typename Scorer>
  const std::vector<Scored>& Search(const Scorer& scorer, int ef, const absl::FunctionRef<bool(int64_t)>* allowed,
                                    int64_t budget, int32_t barred) {
    visited_.Clear();
    if (barred >= 0) visited_.Mark(barred);
    candidates_.clear();
    found_.clear();
    ef_ = std::max(ef, 1);
    scored_ = 0;
    bound_ = -std::numeric_limits<float>::infinity();
    const Scored start = Descend(scorer);
    visited_.Mark(start.row);
    Offer(start, allowed);
    while (!candidates_.empty() && scored_ < budget) {
      const Scored best = candidates_.front();
      if (best.score < bound_) break;
      std::pop_heap(candidates_.begin(), candidates_.end(), Worse());
      candidates_.pop_back();
      Expand(scorer, best.row, allowed);
    }
    finished_ = scored_ < budget;
    std::sort(found_.begin(), found_.end(), Better());
    return found_;
  }
  bool finished() const { return finished_; }
  int64_t scored() const { return scored_; }

 private:
  // Greedily down to level 1; where level 0 is entered.
  template <typename Scorer>
  Scored Descend(const Scorer& scorer) {
    Scored at{scorer.One(links_.entry_point), links_.entry_point};
    for (int level = links_.max_level; level > 0; --level) {
      for (bool moved = true; moved;) {
        moved = false;
        const absl::Span<const int32_t> links = links_.upper_of(at.row, level);
        for (int32_t next : links) {
          if (next < 0) break;
          scorer.Prefetch(next);
        }
        for (int32_t next : links) {
          if (next < 0) break;
          const float score = scorer.One(next);
          ++scored_;
          if (score > at.score) {
            at = {score, next};
            moved = true;
          }
        }
      }
    }
    return at;
  }

  template <typename Scorer>
  void Expand(const Scorer& scorer, int32_t vertex, const absl::FunctionRef<bool(int64_t)>* allowed) {
    const int32_t* links = links_.lowest_of(vertex);
    const int capacity = 2 * links_.m;
    int count = 0;
    for (int i = 0; i < capacity && links[i] >= 0; ++i) {
      if (!visited_.Mark(links[i])) continue;
      if (count < kAhead) scorer.Prefetch(links[i]);
      fresh_[count++] = links[i];
    }
    int i = 0;
    for (; i + 4 <= count; i += 4) {
      for (int j = i + kAhead; j < std::min(count, i + kAhead + 4); ++j) scorer.Prefetch(fresh_[j]);
      float scores[4];
      scorer.Four(&fresh_[i], scores);
      for (int j = 0; j < 4; ++j) Offer({scores[j], fresh_[i + j]}, allowed);
    }
    for (; i < count; ++i) Offer({scorer.One(fresh_[i]), fresh_[i]}, allowed);
    scored_ += count;
    if (!candidates_.empty()) {
      const char* next = reinterpret_cast<const char*>(links_.lowest_of(candidates_.front().row));
      for (size_t at = 0; at < sizeof(int32_t) * capacity; at += 64) __builtin_prefetch(next + at);
    }
  }

  void Offer(const Scored& vertex, const absl::FunctionRef<bool(int64_t)>* allowed) {
    const bool full = static_cast<int>(found_.size()) >= ef_;
    if (full && vertex.score <= bound_) return;
    candidates_.push_back(vertex);
    std::push_heap(candidates_.begin(), candidates_.end(), Worse());
    if (allowed != nullptr && !(*allowed)(vertex.row)) return;
    if (full) {
      std::pop_heap(found_.begin(), found_.end(), Better());
      found_.back() = vertex;
    } else {
      found_.push_back(vertex);
    }
    std::push_heap(found_.begin(), found_.end(), Better());
    if (static_cast<int>(found_.size()) >= ef_) bound_ = found_.front().score;
  }

  static constexpr int kAhead = 8;  // Rows that are fetched before they are scored.

  const Links& links_;
  Visited visited_;
  std::vector<int32_t> fresh_;
  std::vector<Scored> candidates_;  // A heap, the best first.
  std::vector<Scored> found_;       // A heap, the worst first.
  int ef_ = 0;
  float bound_ = 0;  // Scores below this no longer enter found_.
  int64_t scored_ = 0;
  bool finished_ = true;
};

}  // namespace mixmatch::index

#endif  // MIXMATCH_INDEX_VECTOR_HNSW_WALK_H_
