// Files of rows: CSV, TSV and their kin, JSON lines; as a table, or as a series where the rows are measurements over time.
#ifndef MIXMATCH_MODEL_MEDIA_WORKER_TABLE_H_
#define MIXMATCH_MODEL_MEDIA_WORKER_TABLE_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "model/media/rows.h"
#include "model/media/wire.h"
#include "model/media/worker/content.h"
#include "model/media/worker/response_writer.h"

namespace mixmatch::model {

enum class TableFormat { kNone, kDelimited, kJsonLines };

// What rows the content holds. A hint of text/csv, text/tab-separated-values, application/jsonl or application/x-ndjson
// decides. Without a hint, text is a table only where it can hardly be prose: three rows or more of equally many cells, a
// column of numbers, times or truth values, and commas that no space follows; or JSON objects line by line. Any other
// hint: none.
TableFormat SniffTable(const Content& content, absl::string_view hint, bool is_text);

// Writes the table or series and the end of the response, or returns why not. UTF-8, UTF-16 with a byte order mark, and
// what is not UTF-8 as Windows-1252.
absl::Status DecodeTable(const Content& content, TableFormat format, const WireRequest& request, ResponseWriter* writer);

// The first row are the names if all its cells are words, and either a column below is of another type than its first
// cell, or no cell of the first row comes again below it. Else the names are "1", "2", ... `cells` is row-major with
// `columns` a row, all rows.
DecodedTable MakeTable(size_t columns, std::vector<std::string> cells);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_WORKER_TABLE_H_
