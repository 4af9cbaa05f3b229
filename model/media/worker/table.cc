#include "model/media/worker/table.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "model/cells/cells.h"
#include "model/media/worker/delimited.h"
#include "model/media/worker/json_lines.h"
#include "model/media/worker/sniff.h"
#include "model/media/worker/table_series.h"
#include "model/media/worker/unicode.h"
#include "proto/base/status_macros.h"

namespace mixmatch::model {
namespace {

constexpr size_t kLongestName = 60;        // Bytes of a cell that may name a column, without a hint.
constexpr size_t kLeastRows = 3;           // Of text that is taken for a table without a hint.
constexpr size_t kProbedBytes = 64 << 10;  // Of text that is looked at for its delimiter.
constexpr size_t kComparedRows = 1000;

absl::string_view Essence(absl::string_view hint) { return hint.substr(0, hint.find_first_of("; ")); }

RowLimits LimitsOf(const WireRequest& request) { return {request.max_cells, request.max_columns, request.max_cell_bytes}; }

bool IsName(absl::string_view cell) {
  const CellType type = TypeOfCell(cell);
  return type == CellType::kText;
}

bool FirstRowNames(size_t columns, const std::vector<std::string>& cells) {
  const size_t rows = cells.size() / columns;
  if (rows < 2) return false;
  size_t empty = 0;
  for (size_t c = 0; c < columns; ++c) {
    empty += cells[c].empty();
    if (!cells[c].empty() && !IsName(cells[c])) return false;
  }
  if (empty == columns || (empty > 1 && empty * 4 > columns)) return false;
  bool repeated = false;
  for (size_t c = 0; c < columns; ++c) {
    const ColumnType below = TypeOfColumn(rows - 1, [&](size_t r) { return absl::string_view(cells[(r + 1) * columns + c]); });
    if (below != ColumnType::kEmpty && below != ColumnType::kText && below != ColumnType::kCategory) return true;
    for (size_t r = 1; r < std::min(rows, kComparedRows); ++r) repeated |= !cells[c].empty() && cells[r * columns + c] == cells[c];
  }
  absl::flat_hash_set<absl::string_view> different(cells.begin(), cells.begin() + static_cast<std::ptrdiff_t>(columns));
  return !repeated && different.size() == columns;
}

// Whether the beginning of a text is rows that can hardly be prose.
bool LooksLikeRows(absl::string_view text, bool whole) {
  const char delimiter = SniffDelimiter(text);
  if (delimiter == 0) return false;
  if (!whole) text = text.substr(0, text.rfind('\n'));
  size_t spaced = 0, marks = 0;
  for (size_t i = 0; i + 1 < text.size(); ++i) {
    if (text[i] != delimiter) continue;
    ++marks;
    spaced += text[i + 1] == ' ';
  }
  if (spaced * 2 > marks && delimiter != '|') return false;
  const auto rows = ParseDelimited(text, delimiter, {1 << 20, 4096, 4096});
  if (!rows.ok() || rows->columns < 2 || rows->cells.size() < kLeastRows * rows->columns) return false;
  for (size_t c = 0; c < rows->columns; ++c) {
    if (rows->cells[c].size() > kLongestName) return false;
  }
  const DecodedTable table = MakeTable(rows->columns, rows->cells);
  for (size_t c = 0; c < table.columns.size(); ++c) {
    const ColumnType type = TypeOfColumn(table.cells.size() / table.columns.size(), [&](size_t r) {
      return absl::string_view(table.cells[r * table.columns.size() + c]);
    });
    if (type != ColumnType::kEmpty && type != ColumnType::kText && type != ColumnType::kCategory) return true;
  }
  return false;
}

}  // namespace

DecodedTable MakeTable(size_t columns, std::vector<std::string> cells) {
  DecodedTable table;
  if (columns == 0) return table;
  if (FirstRowNames(columns, cells)) {
    const auto first = cells.begin() + static_cast<std::ptrdiff_t>(columns);
    table.columns.assign(std::make_move_iterator(cells.begin()), std::make_move_iterator(first));
    cells.erase(cells.begin(), first);
  }
  table.columns.resize(columns);
  for (size_t c = 0; c < columns; ++c) {
    if (table.columns[c].empty()) table.columns[c] = absl::StrCat(c + 1);
  }
  table.cells = std::move(cells);
  return table;
}

TableFormat SniffTable(const Content& content, absl::string_view hint, bool is_text) {
  const absl::string_view essence = Essence(hint);
  if (essence == "text/csv" || essence == "text/tab-separated-values") return TableFormat::kDelimited;
  for (absl::string_view type : {"application/jsonl", "application/x-ndjson", "application/x-jsonlines"}) {
    if (essence == type) return TableFormat::kJsonLines;
  }
  if (!is_text || !(essence.empty() || essence == "application/octet-stream")) return TableFormat::kNone;
  std::string probe(std::min<int64_t>(content.size(), kProbedBytes), '\0'), converted;
  probe.resize(std::max<int64_t>(content.ReadAt(0, probe.data(), probe.size()), 0));
  const bool whole = static_cast<int64_t>(probe.size()) == content.size();
  if (!whole) probe.resize(std::min(probe.rfind('\n'), probe.size() - 1) + 1);  // Also ends between characters.
  const absl::string_view text = AsUtf8(probe, &converted);
  if (LooksLikeJsonLines(text)) return TableFormat::kJsonLines;
  return LooksLikeRows(text, whole) ? TableFormat::kDelimited : TableFormat::kNone;
}

absl::Status DecodeTable(const Content& content, TableFormat format, const WireRequest& request, ResponseWriter* writer) {
  MIXMATCH_ASSIGN_OR_RETURN(const std::string bytes, content.ReadEverything(request.max_table_bytes, "a table"));
  std::string converted;
  const absl::string_view text = AsUtf8(bytes, &converted);
  if (const size_t nul = text.find('\0'); nul != absl::string_view::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("content: got a table with a NUL at offset ", nul, ", wanted text; send CSV, TSV or JSON lines"));
  }
  const bool json = format == TableFormat::kJsonLines;
  char delimiter = Essence(request.media_type_hint) == "text/tab-separated-values" ? '\t' : ',';
  Cells rows;
  if (json) {
    MIXMATCH_ASSIGN_OR_RETURN(rows, ParseJsonLines(text, LimitsOf(request)));
  } else {
    if (const char found = SniffDelimiter(text.substr(0, kProbedBytes)); found != 0) delimiter = found;
    MIXMATCH_ASSIGN_OR_RETURN(rows, ParseDelimited(text, delimiter, LimitsOf(request)));
  }
  DecodedTable table;
  if (json && rows.columns > 0) {
    const auto names = rows.cells.begin() + static_cast<std::ptrdiff_t>(rows.columns);
    table.columns.assign(rows.cells.begin(), names);
    table.cells.assign(std::make_move_iterator(names), std::make_move_iterator(rows.cells.end()));
  } else {
    table = MakeTable(rows.columns, std::move(rows.cells));
  }
  if (table.cells.empty()) {
    return absl::InvalidArgumentError("content: got a table without rows, wanted at least one row of cells; send some");
  }
  const char* media_type = json ? "application/x-ndjson" : delimiter == '\t' ? "text/tab-separated-values" : "text/csv";
  if (const std::optional<TimedSeries> timed = AsSeries(table); timed.has_value()) {
    writer->Series(timed->observed_unix_seconds, timed->series);
    writer->Done(WireKind::kSeries, timed->series.seconds.back(), media_type);
    return absl::OkStatus();
  }
  writer->Table(table);
  writer->Done(WireKind::kTable, 0.0, media_type);
  return absl::OkStatus();
}

}  // namespace mixmatch::model
