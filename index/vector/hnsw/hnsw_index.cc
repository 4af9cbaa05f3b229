#include "index/vector/hnsw/hnsw_index.h"

#include "absl/memory/memory.h"
#include "proto/base/status_macros.h"

namespace mixmatch::index {

absl::StatusOr<std::unique_ptr<HnswIndex>> HnswIndex::Create(int dim, int m, Storage storage) {
  SegmentedIndexOptions options;
  options.dim = dim;
  options.hnsw_m = m;
  options.storage = storage;
  options.memtable_limit = 256;
  options.exact_below = 0;
  MIXMATCH_ASSIGN_OR_RETURN(auto inner, SegmentedIndex::Create(options, 0));
  return absl::WrapUnique(new HnswIndex(std::move(inner)));
}

absl::Status HnswIndex::Settle() {
  bool more = true;
  while (more) {
    MIXMATCH_ASSIGN_OR_RETURN(more, inner_->Maintain());
  }
  return absl::OkStatus();
}

absl::Status HnswIndex::Upsert(PartId id, absl::Span<const float> vector) {
  MIXMATCH_RETURN_IF_ERROR(inner_->Upsert(id, vector));
  return Settle();
}

absl::Status HnswIndex::Remove(PartId id) {
  MIXMATCH_RETURN_IF_ERROR(inner_->Remove(id));
  return Settle();
}

}  // namespace mixmatch::index
