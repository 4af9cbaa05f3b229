// Graph search over all vectors, whatever their number: a segmented index without an exact mode that keeps itself built.
#ifndef MIXMATCH_INDEX_VECTOR_HNSW_HNSW_INDEX_H_
#define MIXMATCH_INDEX_VECTOR_HNSW_HNSW_INDEX_H_

#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "index/vector/segmented_index.h"
#include "index/vector/vector_index.h"

namespace mixmatch::index {

// Thread-safe. A write now and then builds a graph and so takes long; use SegmentedIndex where that matters.
class HnswIndex : public VectorIndex {
 public:
  static absl::StatusOr<std::unique_ptr<HnswIndex>> Create(int dim, int m, Storage storage);

  absl::Status Upsert(PartId id, absl::Span<const float> vector) override;
  absl::Status Remove(PartId id) override;
  absl::StatusOr<std::vector<float>> Get(PartId id) const override { return inner_->Get(id); }
  absl::StatusOr<std::vector<Neighbor>> Search(absl::Span<const float> query,
                                               const SearchOptions& options) const override {
    return inner_->Search(query, options);
  }
  int dim() const override { return inner_->dim(); }
  int64_t size() const override { return inner_->size(); }

 private:
  explicit HnswIndex(std::shared_ptr<SegmentedIndex> inner) : inner_(std::move(inner)) {}
  absl::Status Settle();

  const std::shared_ptr<SegmentedIndex> inner_;
};

}  // namespace mixmatch::index

#endif  // MIXMATCH_INDEX_VECTOR_HNSW_HNSW_INDEX_H_
