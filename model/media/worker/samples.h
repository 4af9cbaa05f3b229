// Numbers as programs and recorders lay them down, one row of channels after the other.
#ifndef MIXMATCH_MODEL_MEDIA_WORKER_SAMPLES_H_
#define MIXMATCH_MODEL_MEDIA_WORKER_SAMPLES_H_

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "model/media/rows.h"

namespace mixmatch::model {

struct NumberType {
  char kind = 0;   // 'f' floats, 'i' and 'u' whole numbers, 'b' truth values.
  int bytes = 0;   // Of a value: 2, 4 or 8 of 'f'; 1, 2, 4 or 8 of 'i' and 'u'; 1 of 'b'.
  bool swapped = false;  // Big endian.

  bool IsKnown() const;
};

struct SampleLayout {
  NumberType type;
  bool by_column = false;  // A channel after the other, rather than a row.
  int64_t rows = 0;
  int64_t columns = 1;
};

// The series behind the first rows * columns values of `bytes`, which must be there. Channels are named "0", "1", ...;
// values that no float holds are missing.
DecodedSeries ReadSamples(absl::string_view bytes, const SampleLayout& layout, double seconds_per_row);

// RESOURCE_EXHAUSTED if that is beyond `max_columns`, `max_values` or a century; `what`: "a .npy file".
absl::Status CheckSamples(const SampleLayout& layout, double seconds_per_row, int max_columns, int64_t max_values,
                          absl::string_view what);

// What `name` is in a media type such as "a/b; name=value", without quotes; nothing where it is not stated.
std::optional<absl::string_view> ParameterOf(absl::string_view media_type, absl::string_view name);

// Rows a second as rate_hz of a media type states them: 1e-6 to 1e7. `example` is a media type that would do.
absl::StatusOr<double> ParseRate(absl::string_view rate_hz, absl::string_view example);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_WORKER_SAMPLES_H_
