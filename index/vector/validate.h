// The checks that every index makes of what it is given.
#ifndef MIXMATCH_INDEX_VECTOR_VALIDATE_H_
#define MIXMATCH_INDEX_VECTOR_VALIDATE_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "index/vector/vector_index.h"

namespace mixmatch::index {

inline constexpr int kLargestDim = 65'536;

// INVALID_ARGUMENT, beginning with `where`.
absl::Status CheckDim(int dim);
absl::Status CheckVector(absl::Span<const float> vector, int dim, absl::string_view where);
absl::Status CheckQuery(absl::Span<const float> query, const SearchOptions& options, int dim);

absl::Status NoSuchPart(PartId id);

// CANCELLED: what a search answers that was told to stop.
absl::Status SearchStopped();

}  // namespace mixmatch::index

#endif  // MIXMATCH_INDEX_VECTOR_VALIDATE_H_
