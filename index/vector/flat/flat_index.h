// Exact search by comparing with every vector.
#ifndef MIXMATCH_INDEX_VECTOR_FLAT_FLAT_INDEX_H_
#define MIXMATCH_INDEX_VECTOR_FLAT_FLAT_INDEX_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/vector/fair_shared_mutex.h"
#include "index/vector/rows.h"
#include "index/vector/scan.h"
#include "index/vector/sketches.h"
#include "index/vector/top_k.h"
#include "index/vector/vector_index.h"

namespace mixmatch::index {

// Thread-safe, writers too.
class FlatIndex : public VectorIndex {
 public:
  static absl::StatusOr<std::unique_ptr<FlatIndex>> Create(int dim);

  absl::Status Upsert(PartId id, absl::Span<const float> vector) override;
  absl::Status Remove(PartId id) override;
  absl::StatusOr<std::vector<float>> Get(PartId id) const override;
  absl::StatusOr<std::vector<Neighbor>> Search(absl::Span<const float> query,
                                               const SearchOptions& options) const override;
  int dim() const override { return dim_; }
  int64_t size() const override;

  bool Contains(PartId id) const;

  // Shows `found` every vector that can be among its nearest, that `filter` (null: all) lets through and whose score is
  // `floor` or more. May end early where `stop` says so.
  void SearchInto(const float* padded_query, const PartFilter* filter, float floor, const StopCheck* stop,
                  TopK& found) const;

  // Adds the bytes it holds in memory: of vectors; of sketches; of ids and tables of them.
  void AddBytes(int64_t* vectors, int64_t* sketches, int64_t* ids) const;

  // Appends all by ascending id. Returns their sketches, null if there are none.
  std::shared_ptr<const Sketches> CopySorted(std::vector<PartId>& ids, Rows& rows) const;

 private:
  explicit FlatIndex(int dim)
      : dim_(dim), rows_(dim), sketches_(Sketches::Useful(dim) ? std::make_shared<Sketches>(dim) : nullptr) {}

  const int dim_;
  mutable FairSharedMutex mutex_;  // Guards all below.
  std::vector<PartId> ids_;        // Of the rows.
  Rows rows_;
  const std::shared_ptr<Sketches> sketches_;  // Of all rows; null where they are of no use.
  absl::flat_hash_map<PartId, int64_t> row_of_;
};

}  // namespace mixmatch::index

#endif  // MIXMATCH_INDEX_VECTOR_FLAT_FLAT_INDEX_H_
