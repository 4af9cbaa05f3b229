// Every kind of index, by name: 'flat', 'hnsw:int8', 'segmented'. Contract tests and benchmarks walk the table.
#ifndef MIXMATCH_INDEX_VECTOR_INDEX_FACTORY_H_
#define MIXMATCH_INDEX_VECTOR_INDEX_FACTORY_H_

#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "index/vector/vector_index.h"

namespace mixmatch::index {

struct IndexKind {
  absl::string_view name;
  // Whether it always returns the nearest.
  bool exact;
  absl::StatusOr<std::shared_ptr<VectorIndex>> (*make)(int dim);
};

absl::Span<const IndexKind> IndexKinds();

// INVALID_ARGUMENT: no such kind; the message names those there are.
absl::StatusOr<std::shared_ptr<VectorIndex>> MakeIndex(absl::string_view name, int dim);

}  // namespace mixmatch::index

#endif  // MIXMATCH_INDEX_VECTOR_INDEX_FACTORY_H_
