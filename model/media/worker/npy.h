// Arrays of numbers as NumPy writes them (.npy, NEP 1): series whose rows are samples.
#ifndef MIXMATCH_MODEL_MEDIA_WORKER_NPY_H_
#define MIXMATCH_MODEL_MEDIA_WORKER_NPY_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "model/media/rows.h"
#include "model/media/wire.h"
#include "model/media/worker/content.h"
#include "model/media/worker/response_writer.h"

namespace mixmatch::model {

// One dimension is one channel; of two the rows are samples and the columns channels, named "0", "1", ... Integers of 1 to
// 8 bytes, floats of 2 to 8, truth values, of either byte order; values that no float holds are missing. Rows are
// `seconds_per_row` apart.
// INVALID_ARGUMENT for what is cut, of another shape or no numbers. RESOURCE_EXHAUSTED beyond a limit.
absl::StatusOr<DecodedSeries> ParseNpy(absl::string_view bytes, double seconds_per_row, int max_columns, int64_t max_values);

// Writes the series and the end of the response, or returns why not. A parameter rate_hz of the media type, as in
// "application/x-npy; rate_hz=50", says how many rows a second has; without it a row is a second.
absl::Status DecodeNpy(const Content& content, const WireRequest& request, ResponseWriter* writer);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_WORKER_NPY_H_
