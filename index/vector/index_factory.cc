#include "index/vector/index_factory.h"

#include "absl/strings/str_cat.h"
#include "index/vector/flat/flat_index.h"
#include "index/vector/hnsw/hnsw_index.h"
#include "index/vector/segmented_index.h"
#include "proto/base/status_macros.h"

namespace mixmatch::index {
namespace {

absl::StatusOr<std::shared_ptr<VectorIndex>> MakeFlat(int dim) {
  MIXMATCH_ASSIGN_OR_RETURN(std::shared_ptr<VectorIndex> index, FlatIndex::Create(dim));
  return index;
}

template <Storage kStorage>
absl::StatusOr<std::shared_ptr<VectorIndex>> MakeHnsw(int dim) {
  MIXMATCH_ASSIGN_OR_RETURN(std::shared_ptr<VectorIndex> index, HnswIndex::Create(dim, 16, kStorage));
  return index;
}

absl::StatusOr<std::shared_ptr<VectorIndex>> MakeSegmented(int dim) {
  SegmentedIndexOptions options;
  options.dim = dim;
  return SegmentedIndex::Create(options, 0);
}

constexpr IndexKind kKinds[] = {
    {"flat", true, MakeFlat},
    {"hnsw:f32", false, MakeHnsw<Storage::kFloat>},
    {"hnsw:int8", false, MakeHnsw<Storage::kInt8>},
    {"hnsw:int8-on-disk", false, MakeHnsw<Storage::kInt8Disk>},
    {"segmented", false, MakeSegmented},
};

}  // namespace

absl::Span<const IndexKind> IndexKinds() { return kKinds; }

absl::StatusOr<std::shared_ptr<VectorIndex>> MakeIndex(absl::string_view name, int dim) {
  std::string names;
  for (const IndexKind& kind : kKinds) {
    if (kind.name == name) return kind.make(dim);
    absl::StrAppend(&names, names.empty() ? "" : ", ", kind.name);
  }
  return absl::InvalidArgumentError(absl::StrCat("index: got the kind '", name, "', wanted one of ", names));
}

}  // namespace mixmatch::index
