// Rows as JSON objects, one a line (jsonlines.org; JSON as in RFC 8259).
#ifndef MIXMATCH_MODEL_MEDIA_WORKER_JSON_LINES_H_
#define MIXMATCH_MODEL_MEDIA_WORKER_JSON_LINES_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "model/media/worker/delimited.h"

namespace mixmatch::model {

// Whether the first lines are JSON objects, two lines or more. `text` may end within a line.
bool LooksLikeJsonLines(absl::string_view text);

// A column for each name, in the order in which they are first seen; the names are the first row. Objects within objects
// become columns "outer.inner"; arrays are cells of their JSON. Numbers, true and false are cells of what is written, null
// is an empty cell; of a name that comes twice in an object the last value counts. Empty lines are left out.
// INVALID_ARGUMENT names the line, from 1. RESOURCE_EXHAUSTED beyond a limit, or 32 levels. `text` is UTF-8.
absl::StatusOr<Cells> ParseJsonLines(absl::string_view text, const RowLimits& limits);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_WORKER_JSON_LINES_H_
