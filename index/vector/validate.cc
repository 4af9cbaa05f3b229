#include "index/vector/validate.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "proto/base/status_macros.h"

namespace mixmatch::index {

absl::Status CheckDim(int dim) {
  if (dim >= 1 && dim <= kLargestDim) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("index.dim: got ", dim, ", wanted 1 to ", kLargestDim));
}

absl::Status CheckVector(absl::Span<const float> vector, int dim, absl::string_view where) {
  if (static_cast<int>(vector.size()) != dim) {
    return absl::InvalidArgumentError(absl::StrCat(where, ": got ", vector.size(), " values, this index has ", dim));
  }
  for (size_t i = 0; i < vector.size(); ++i) {
    if (!std::isfinite(vector[i])) {
      return absl::InvalidArgumentError(absl::StrCat(where, ": value ", i, " is not finite; send finite numbers"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckQuery(absl::Span<const float> query, const SearchOptions& options, int dim) {
  MIXMATCH_RETURN_IF_ERROR(CheckVector(query, dim, "query"));
  if (options.k < 1) return absl::InvalidArgumentError(absl::StrCat("k: got ", options.k, ", wanted 1 or more"));
  return absl::OkStatus();
}

absl::Status NoSuchPart(PartId id) { return absl::NotFoundError(absl::StrCat("index: no part ", id)); }

absl::Status SearchStopped() { return absl::CancelledError("index: the search was told to stop"); }

}  // namespace mixmatch::index
