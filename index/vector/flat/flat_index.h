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

  // Shows every vector that `filter` (null: all) lets through to `found`.
  void SearchInto(const float* padded_query, const PartFilter* filter, TopK& found) const;

  // Adds the bytes it holds in memory: of vectors; of ids and tables of them.
  void AddBytes(int64_t* vectors, int64_t* ids) const;

  // Appends all by ascending id.
  void CopySorted(std::vector<PartId>& ids, Rows& rows) const;

 private:
  explicit FlatIndex(int dim) : dim_(dim), rows_(dim) {}

  const int dim_;
  mutable FairSharedMutex mutex_;  // Guards all below.
  std::vector<PartId> ids_;        // Of the rows.
  Rows rows_;
  absl::flat_hash_map<PartId, int64_t> row_of_;
};

}  // namespace mixmatch::index

#endif  // MIXMATCH_INDEX_VECTOR_FLAT_FLAT_INDEX_H_
