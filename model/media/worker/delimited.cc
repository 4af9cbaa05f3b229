#include "model/media/worker/delimited.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "proto/base/status_macros.h"

namespace mixmatch::model {
namespace {

constexpr size_t kSniffedRows = 40;

// Reads rows one after the other.
class RowReader {
 public:
  RowReader(absl::string_view text, char delimiter) : text_(text), delimiter_(delimiter) {}

  bool done() const { return at_ >= text_.size(); }
  // Of the row read last: its number from 1, empty ones counted; whether a quote was left open.
  size_t number() const { return number_; }
  bool open_quote() const { return open_quote_; }

  // The next row. A cell stops growing one byte beyond `most_bytes`, the row one cell beyond `most_cells`.
  void Read(size_t most_bytes, size_t most_cells, std::vector<std::string>* row) {
    row->clear();
    row->emplace_back();
    ++number_;
    bool quoted = false;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '"' && Blank(row->back()) && !quoted) {
        row->back().clear();
        ++at_;
        ReadQuoted(most_bytes, &row->back());
        quoted = true;
        --at_;
      } else if (c == delimiter_) {
        Finish(quoted, &row->back());
        quoted = false;
        if (row->size() <= most_cells) row->emplace_back();
      } else if (c == '\n' || c == '\r') {
        at_ += c == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n' ? 2 : 1;
        Finish(quoted, &row->back());
        return;
      } else if (row->back().size() <= most_bytes && !(quoted && c == ' ')) {
        row->back().push_back(c);
      }
    }
    Finish(quoted, &row->back());
  }

 private:
  static bool Blank(absl::string_view cell) { return cell.find_first_not_of(" \t") == cell.npos; }

  static void Finish(bool quoted, std::string* cell) {
    if (!quoted) absl::StripAsciiWhitespace(cell);
  }

  // From behind the opening quote to behind the closing one.
  void ReadQuoted(size_t most_bytes, std::string* cell) {
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] == '"') {
        if (at_ + 1 >= text_.size() || text_[at_ + 1] != '"') {
          ++at_;
          return;
        }
        ++at_;
      }
      if (cell->size() <= most_bytes) cell->push_back(text_[at_]);
    }
    open_quote_ = true;
  }

  absl::string_view text_;
  const char delimiter_;
  size_t at_ = 0, number_ = 0;
  bool open_quote_ = false;
};

bool Skipped(const std::vector<std::string>& row, bool first) {
  return (row.size() == 1 && row[0].empty()) || (first && !row[0].empty() && row[0][0] == '#');
}

absl::Status TooMuch(absl::string_view what, size_t row, int64_t limit, absl::string_view flag) {
  return absl::ResourceExhaustedError(absl::StrCat("content: got a table with more than ", limit, " ", what, ", in row ", row,
                                                   "; split it, or raise the server's ", flag));
}

}  // namespace

char SniffDelimiter(absl::string_view text) {
  char best = 0;
  double best_score = 0.0;
  for (const char delimiter : {',', ';', '\t', '|'}) {
    RowReader reader(text, delimiter);
    std::vector<size_t> widths;
    std::vector<std::string> row;
    while (!reader.done() && widths.size() < kSniffedRows) {
      reader.Read(1 << 16, 1 << 16, &row);
      if (reader.done() && !widths.empty()) break;  // It may be cut.
      if (!Skipped(row, widths.empty())) widths.push_back(row.size());
    }
    if (widths.empty() || widths[0] < 2) continue;
    const auto alike = static_cast<double>(std::count(widths.begin(), widths.end(), widths[0]));
    const double score = alike / static_cast<double>(widths.size()) + 0.001 * static_cast<double>(std::min<size_t>(widths[0], 100));
    if (alike * 10 >= static_cast<double>(widths.size()) * 9 && score > best_score) {
      best = delimiter;
      best_score = score;
    }
  }
  return best;
}

absl::StatusOr<Cells> ParseDelimited(absl::string_view text, char delimiter, const RowLimits& limits) {
  Cells out;
  RowReader reader(text, delimiter);
  std::vector<std::string> row;
  while (!reader.done()) {
    reader.Read(static_cast<size_t>(limits.max_cell_bytes), static_cast<size_t>(limits.max_columns), &row);
    if (reader.open_quote()) {
      return absl::InvalidArgumentError(absl::StrCat("content: got a table whose row ", reader.number(),
                                                     " has a quote that is never closed; close it, or double the quote"));
    }
    const bool first = out.columns == 0;
    if (Skipped(row, first)) continue;
    if (row.size() > static_cast<size_t>(limits.max_columns)) {
      return TooMuch("columns", reader.number(), limits.max_columns, "--max-columns");
    }
    if (first) {
      while (row.size() > 1 && row.back().empty()) row.pop_back();
      out.columns = row.size();
    }
    while (row.size() > out.columns && row.back().empty()) row.pop_back();
    if (row.size() > out.columns) {
      return absl::InvalidArgumentError(absl::StrCat("content: got a table whose row ", reader.number(), " has ", row.size(),
                                                     " cells, wanted at most the ", out.columns,
                                                     " of the first row; quote cells that hold the delimiter"));
    }
    row.resize(out.columns);
    if (out.cells.size() + row.size() > static_cast<size_t>(limits.max_cells)) {
      return TooMuch("cells", reader.number(), limits.max_cells, "--max-cells");
    }
    for (std::string& cell : row) {
      if (cell.size() > static_cast<size_t>(limits.max_cell_bytes)) {
        return TooMuch("bytes in a cell", reader.number(), limits.max_cell_bytes, "--max-cell-bytes");
      }
      out.cells.push_back(std::move(cell));
    }
  }
  return out;
}

}  // namespace mixmatch::model
