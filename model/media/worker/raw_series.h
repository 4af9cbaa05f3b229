// Bare samples of sensors, without a header: what they are, the media type must say.
#ifndef MIXMATCH_MODEL_MEDIA_WORKER_RAW_SERIES_H_
#define MIXMATCH_MODEL_MEDIA_WORKER_RAW_SERIES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "model/media/rows.h"
#include "model/media/wire.h"
#include "model/media/worker/content.h"
#include "model/media/worker/response_writer.h"
#include "model/media/worker/samples.h"

namespace mixmatch::model {

// "application/x-raw-series", whatever stands behind it.
bool IsRawSeries(absl::string_view media_type);

struct RawSeriesType {
  double rate_hz = 1.0;
  int columns = 1;
  NumberType type;
  std::vector<std::string> names, units;  // As many as columns, or none.
};

// Reads "application/x-raw-series; rate_hz=100; channels=3; type=i16" (default: one channel) and, if they are there,
// "; order=big" (of the bytes of a value; default: little), "; names=x,y,z" and "; units=g,g,g". Types: f16, f32, f64, i8,
// i16, i32, i64, u8, u16, u32, u64. INVALID_ARGUMENT that names the parameter. RESOURCE_EXHAUSTED beyond `max_columns`
// channels.
absl::StatusOr<RawSeriesType> ParseRawSeriesType(absl::string_view media_type, int max_columns);

// Rows are 1 / rate_hz seconds apart, from 0; values that are no numbers are missing. INVALID_ARGUMENT unless rows are
// whole and there is one. RESOURCE_EXHAUSTED beyond `max_values`, or a century.
absl::StatusOr<DecodedSeries> ParseRawSeries(absl::string_view bytes, const RawSeriesType& type, int max_columns,
                                             int64_t max_values);

// Writes the series and the end of the response, or returns why not.
absl::Status DecodeRawSeries(const Content& content, const WireRequest& request, ResponseWriter* writer);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_WORKER_RAW_SERIES_H_
