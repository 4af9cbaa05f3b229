// The exact scan of a matrix whose rows have sketches.
#ifndef MIXMATCH_INDEX_VECTOR_SCAN_H_
#define MIXMATCH_INDEX_VECTOR_SCAN_H_

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "index/vector/kernels.h"
#include "index/vector/rows.h"
#include "index/vector/sketches.h"
#include "index/vector/top_k.h"
#include "index/vector/vector_index.h"

namespace mixmatch::index {

inline bool Stopped(const StopCheck* stop) { return stop != nullptr && (*stop)(); }

// A scan by sketches of fewer rows would cost more than it saves.
inline constexpr int64_t kSketchedFrom = 256;
inline constexpr size_t kAhead = 3;  // Rows that are fetched before their turn.

// Shows `found` all rows whose score is `floor` or more that can be among its k and that allowed(row) lets through; it
// is asked of those alone that look near enough. Row i is part ids[i]. `sketches` may be null: then every score is
// computed. May end early where `stop` (null: never) says so.
template <typename Allowed>
void Scan(const Rows& rows, const Sketches* sketches, const float* padded_query, const std::vector<PartId>& ids,
          const Allowed& allowed, float floor, const StopCheck* stop, TopK& found) {
  const int64_t size = rows.size();
  if (sketches == nullptr || size < kSketchedFrom) {
    rows.Scan(padded_query, [&](int64_t first, int64_t count, const float* scores) {
      if (Stopped(stop)) return false;
      for (int64_t i = 0; i < count; ++i) {
        if (scores[i] < found.bound()) continue;
        const Neighbor neighbor{ids[first + i], scores[i]};
        if (found.Wants(neighbor) && allowed(first + i)) found.Push(neighbor);
      }
      return true;
    });
    return;
  }
  const SketchQuery query = sketches->Query(padded_query);
  const std::unique_ptr<float[]> estimates(new float[size]);
  for (int64_t first = 0; first < size; first += Rows::kBlock) {
    if (Stopped(stop)) return;
    sketches->Estimate(query, first, std::min(Rows::kBlock, size - first), &estimates[first]);
  }
  const Kernels& kernels = BestKernels();
  const auto show = [&](int64_t row) {
    found.Push({ids[row], kernels.dot(padded_query, rows.row(row), rows.stride())});
  };
  floor = std::max(floor, found.bound());
  if (floor == -std::numeric_limits<float>::infinity()) {  // Those that look nearest say what the others must reach.
    TopK likely(found.k());
    for (int64_t row = 0; row < size; ++row) {
      if (estimates[row] < likely.bound()) continue;
      const Neighbor neighbor{static_cast<PartId>(row), estimates[row]};
      if (likely.Wants(neighbor) && allowed(row)) likely.Push(neighbor);
    }
    const std::vector<Neighbor> nearest = likely.Take();
    for (const Neighbor& neighbor : nearest) rows.Prefetch(static_cast<int64_t>(neighbor.id));
    for (const Neighbor& neighbor : nearest) {
      estimates[neighbor.id] = -std::numeric_limits<float>::infinity();
      show(static_cast<int64_t>(neighbor.id));
    }
    if (!found.full()) return;  // There are no more.
    floor = found.bound();
  }
  float least = sketches->Least(query, floor);
  std::vector<int64_t> near;
  constexpr int64_t kLook = 64;  // Rows of which most often none is near enough.
  for (int64_t first = 0; first < size; first += kLook) {
    const int64_t end = std::min(first + kLook, size);
    int any = 0;
    for (int64_t row = first; row < end; ++row) any |= estimates[row] >= least;
    if (any == 0) continue;
    for (int64_t row = first; row < end; ++row) {
      if (estimates[row] >= least) near.push_back(row);
    }
  }
  for (size_t i = 0; i < near.size(); ++i) {
    if (i % Rows::kBlock == 0 && Stopped(stop)) return;
    if (i + kAhead < near.size()) rows.Prefetch(near[i + kAhead]);
    if (estimates[near[i]] < least || !allowed(near[i])) continue;
    show(near[i]);
    if (found.bound() > floor) {
      floor = found.bound();
      least = sketches->Least(query, floor);
    }
  }
}

}  // namespace mixmatch::index

#endif  // MIXMATCH_INDEX_VECTOR_SCAN_H_
