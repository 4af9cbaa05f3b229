// Whole files in and out.
#ifndef MIXMATCH_MODEL_TENSORS_FILES_H_
#define MIXMATCH_MODEL_TENSORS_FILES_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace mixmatch::model {

// NOT_FOUND and others as the file system says.
absl::StatusOr<std::string> ReadWholeFile(const std::string& path);

// The file is replaced as a whole: a cut write leaves the old one. Not synced.
absl::Status ReplaceFile(const std::string& path, absl::string_view bytes);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_TENSORS_FILES_H_
