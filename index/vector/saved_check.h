// Whether what SegmentedIndex::Save wrote is as it was written, without loading it.
#ifndef MIXMATCH_INDEX_VECTOR_SAVED_CHECK_H_
#define MIXMATCH_INDEX_VECTOR_SAVED_CHECK_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace mixmatch::index {

// Reads every file that the manifest names and compares the SHA-256 of each region; needs little memory. One DATA_LOSS a
// damaged region or file, none if all is well; NOT_FOUND alone if there is no index. Ends early when `go_on` is false.
std::vector<absl::Status> CheckSaved(absl::string_view directory, const std::function<bool()>& go_on);

}  // namespace mixmatch::index

#endif  // MIXMATCH_INDEX_VECTOR_SAVED_CHECK_H_
