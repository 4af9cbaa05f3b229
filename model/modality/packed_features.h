// Feature vectors as they are stored: IEEE half floats, little-endian, two bytes a value.
#ifndef MIXMATCH_MODEL_MODALITY_PACKED_FEATURES_H_
#define MIXMATCH_MODEL_MODALITY_PACKED_FEATURES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace mixmatch::model {

// Rounds to nearest, ties to even; what is beyond 65,504 becomes that.
std::string PackFeatures(absl::Span<const float> features);

// DATA_LOSS when the length is odd or a value is not finite. Pack(Unpack(x)) == x.
absl::StatusOr<std::vector<float>> UnpackFeatures(absl::string_view packed);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MODALITY_PACKED_FEATURES_H_
