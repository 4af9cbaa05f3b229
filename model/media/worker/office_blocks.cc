#include "model/media/worker/office_blocks.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "proto/base/status_macros.h"

namespace mixmatch::model {
namespace {

bool AreNames(const std::vector<std::string>& cells) {
  absl::flat_hash_set<absl::string_view> seen;
  double number;
  return std::all_of(cells.begin(), cells.end(), [&](const std::string& cell) {
    return !cell.empty() && !absl::SimpleAtod(cell, &number) && seen.insert(cell).second;
  });
}

}  // namespace

absl::Status Straighten(int64_t most_cells, Grid* grid) {
  std::vector<bool> used;
  for (const auto& row : *grid) {
    if (used.size() < row.size()) used.resize(row.size());
    for (size_t c = 0; c < row.size(); ++c) used[c] = used[c] || !row[c].empty();
  }
  const auto is_empty = [](const std::vector<std::string>& row) {
    return std::all_of(row.begin(), row.end(), [](const std::string& cell) { return cell.empty(); });
  };
  grid->erase(std::remove_if(grid->begin(), grid->end(), is_empty), grid->end());
  const int64_t columns = std::count(used.begin(), used.end(), true);
  if (columns > 0 && static_cast<int64_t>(grid->size()) > most_cells / columns) {
    return absl::ResourceExhaustedError(absl::StrCat("content: got a document with a table of ", grid->size(), " rows and ",
                                                     columns, " columns, wanted at most ", most_cells,
                                                     " cells (--max-cells); cut it into smaller ones"));
  }
  for (auto& row : *grid) {
    std::vector<std::string> straight;
    straight.reserve(columns);
    for (size_t c = 0; c < used.size(); ++c) {
      if (used[c]) straight.push_back(c < row.size() ? std::move(row[c]) : std::string());
    }
    row = std::move(straight);
  }
  return absl::OkStatus();
}

void OfficeBlocks::Apart() {
  last_ = Last::kOther;
  document_.NoNext();
}

absl::Status OfficeBlocks::Text(absl::string_view utf8) {
  if (Folded(utf8).empty()) return absl::OkStatus();
  Apart();
  return document_.Text(utf8);
}

absl::Status OfficeBlocks::Heading(absl::string_view utf8) {
  if (Folded(utf8).empty()) return absl::OkStatus();
  Apart();
  return document_.Heading(utf8);
}

absl::Status OfficeBlocks::Caption(absl::string_view utf8, bool before_a_table) {
  const bool after = last_ == Last::kFigure || (last_ == Last::kTable && !before_a_table);
  Apart();
  return after ? document_.Caption(utf8) : document_.CaptionOfNext(utf8);
}

absl::Status OfficeBlocks::Figure(std::string file, absl::string_view alternative) {
  MIXMATCH_RETURN_IF_ERROR(document_.Figure(std::move(file)));
  if (!document_.added()) return absl::OkStatus();
  last_ = Last::kFigure;
  const std::vector<absl::string_view> words = absl::StrSplit(alternative, ' ', absl::SkipWhitespace());
  return words.size() < 2 ? absl::OkStatus() : document_.Caption(alternative);
}

absl::Status OfficeBlocks::Table(Grid grid, absl::string_view name) {
  if (grid.size() < 2 || grid[0].size() < 2) {
    for (const auto& row : grid) MIXMATCH_RETURN_IF_ERROR(Text(absl::StrJoin(row, " ")));
    return absl::OkStatus();
  }
  DecodedTable table;
  table.name = Folded(name);
  const bool named = AreNames(grid[0]);
  for (size_t c = 0; c < grid[0].size(); ++c) {
    table.columns.push_back(named ? std::move(grid[0][c]) : absl::StrCat(c + 1));
  }
  for (size_t r = named ? 1 : 0; r < grid.size(); ++r) {
    std::move(grid[r].begin(), grid[r].end(), std::back_inserter(table.cells));
  }
  MIXMATCH_RETURN_IF_ERROR(document_.Table(std::move(table)));
  last_ = document_.added() ? Last::kTable : Last::kOther;
  return absl::OkStatus();
}

}  // namespace mixmatch::model
