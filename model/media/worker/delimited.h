// Rows of cells with a delimiter between: RFC 4180 and what programs write instead of it.
#ifndef MIXMATCH_MODEL_MEDIA_WORKER_DELIMITED_H_
#define MIXMATCH_MODEL_MEDIA_WORKER_DELIMITED_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace mixmatch::model {

struct RowLimits {
  int64_t max_cells = 0;
  int max_columns = 0;
  int max_cell_bytes = 0;
};

// Row-major, columns a row, the first row among them.
struct Cells {
  size_t columns = 0;
  std::vector<std::string> cells;
};

// The delimiter of comma, semicolon, tab and bar that cuts the rows of `text` into equally many cells, two or more; 0 if
// none does. Looks at the first rows alone; `text` may end within one.
char SniffDelimiter(absl::string_view text);

// Rows end with LF, CRLF or CR. A cell in quotes may hold delimiters, ends of rows, and quotes written twice; what follows
// its closing quote belongs to it. Empty rows, and rows that begin with # before the first, are left out. Cells lose white
// space around them unless quoted. The first row says how many columns there are: shorter rows are filled with empty
// cells, and empty cells beyond it are dropped.
// INVALID_ARGUMENT for a row with more cells than the first, and for a quote that is never closed: the message names the
// row, from 1. RESOURCE_EXHAUSTED beyond a limit. `text` is UTF-8.
absl::StatusOr<Cells> ParseDelimited(absl::string_view text, char delimiter, const RowLimits& limits);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_WORKER_DELIMITED_H_
