#include "model/media/worker/page_table.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "model/media/worker/table.h"

namespace mixmatch::model {
namespace {

// In heights of a usual word.
constexpr double kCellGap = 0.7;       // Between cells of a line; spaces between words are narrower.
constexpr double kColumnGap = 0.6;     // Between columns, all lines together.
constexpr double kLineGap = 2.5;       // Between lines of one table,
constexpr double kFirstGap = 4.0;      // and between the caption and the first.
constexpr double kContinuedGap = 0.5;  // Between lines of one cell.

constexpr size_t kLeastRows = 3;
constexpr size_t kMostLeading = 6;       // Lines of prose that are passed over.
constexpr size_t kMostColumns = 64;
constexpr size_t kMostWords = 20'000;    // Of a page; nobody sets a table in more.
constexpr size_t kProseWords = 4;        // A line of one cell of so many words
constexpr double kProseWidth = 0.5;      // and of this share of the table's width is none of it,
constexpr size_t kManyCells = 4;         // nor one of twice as many words in half as many cells as a row of so many.
constexpr double kNarrowColumn = 25;     // Bytes a cell, in the mean: lines of text in columns are longer.
constexpr double kLeastFilled = 0.6;     // Share of the rows with two cells or more.
constexpr size_t kBins = 1000;           // Across the page.

struct Line {
  PageBox box;
  std::vector<const PageWord*> words;  // From the left.
  std::vector<PageBox> cells;
};

double UsualHeight(const std::vector<PageWord>& words) {
  std::vector<double> heights;
  for (const PageWord& word : words) heights.push_back(word.box.height());
  if (heights.empty()) return 0.0;
  std::nth_element(heights.begin(), heights.begin() + heights.size() / 2, heights.end());
  return heights[heights.size() / 2];
}

PageBox Around(const PageBox& a, const PageBox& b) {
  return {std::min(a.left, b.left), std::min(a.top, b.top), std::max(a.right, b.right), std::max(a.bottom, b.bottom)};
}

double Middle(const PageBox& box) { return (box.top + box.bottom) / 2; }

// Finds one table; all words are below its caption.
class Finder {
 public:
  // `width_per_height`: of a length across the page, to one of the same size down it.
  Finder(const std::vector<PageWord>& words, double width_per_height)
      : height_(UsualHeight(words)), across_(height_ * width_per_height) {
    std::vector<const PageWord*> sorted;
    for (const PageWord& word : words) sorted.push_back(&word);
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const PageWord* a, const PageWord* b) { return Middle(a->box) < Middle(b->box); });
    for (const PageWord* word : sorted) {
      if (lines_.empty() || Middle(word->box) - Middle(lines_.back().words.front()->box) > height_ / 2) {
        lines_.push_back({word->box, {}, {}});
      }
      lines_.back().box = Around(lines_.back().box, word->box);
      lines_.back().words.push_back(word);
    }
    for (Line& line : lines_) SplitLine(line);
  }

  // Lines of the table from the top; empty if there is none.
  std::vector<Line> Find(double top) {
    std::vector<Line> found;
    PageBox box;
    size_t passed = 0;
    for (Line& line : lines_) {
      if (line.box.top - top > (found.empty() ? kFirstGap : kLineGap) * height_) break;
      top = line.box.bottom;
      if (found.empty() && line.cells.size() < 2) {
        if (++passed > kMostLeading) break;
        continue;
      }
      if (!found.empty() && IsProse(line, box, found.back().cells.size())) break;
      box = found.empty() ? line.box : Around(box, line.box);
      found.push_back(std::move(line));
    }
    return found;
  }

  // Where columns end, from the left; the last one at the page's edge.
  std::vector<double> ColumnEnds(const std::vector<Line>& lines) const {
    std::array<size_t, kBins + 1> covered = {};
    size_t parted = 0;
    for (const Line& line : lines) {
      if (line.cells.size() < 2) continue;
      ++parted;
      for (const PageBox& cell : line.cells) {
        for (size_t bin = Bin(cell.left); bin <= Bin(cell.right); ++bin) ++covered[bin];
      }
    }
    std::vector<double> ends;
    const size_t few = parted / 10;
    size_t free = 0;
    bool inside = false;  // Behind a column that has something.
    for (size_t bin = 0; bin <= kBins; ++bin) {
      if (covered[bin] <= few) {
        free += inside;
        continue;
      }
      if (inside && static_cast<double>(free) / kBins >= kColumnGap * across_) {
        ends.push_back((static_cast<double>(bin) - static_cast<double>(free) / 2) / kBins);
      }
      inside = true;
      free = 0;
    }
    ends.push_back(1.0);
    return ends;
  }

  double height() const { return height_; }

 private:
  static size_t Bin(double x) { return static_cast<size_t>(std::lround(std::clamp(x, 0.0, 1.0) * kBins)); }

  void SplitLine(Line& line) const {
    std::stable_sort(line.words.begin(), line.words.end(),
                     [](const PageWord* a, const PageWord* b) { return a->box.left < b->box.left; });
    for (const PageWord* word : line.words) {
      if (line.cells.empty() || word->box.left - line.cells.back().right >= kCellGap * across_) {
        line.cells.push_back(word->box);
      } else {
        line.cells.back() = Around(line.cells.back(), word->box);
      }
    }
  }

  // `cells` of the row above it.
  bool IsProse(const Line& line, const PageBox& table, size_t cells) const {
    if (cells >= kManyCells && 2 * line.cells.size() <= cells && line.words.size() >= 2 * kProseWords) return true;
    return line.cells.size() == 1 && line.words.size() >= kProseWords && line.box.left <= table.left + across_ &&
           line.box.width() >= kProseWidth * table.width();
  }

  const double height_;  // Down the page,
  const double across_;  // and across it.
  std::vector<Line> lines_;
};

std::vector<std::string> CellsOf(const Line& line, const std::vector<double>& ends) {
  std::vector<std::string> cells(ends.size());
  for (const PageWord* word : line.words) {
    const double middle = (word->box.left + word->box.right) / 2;
    const size_t column = std::lower_bound(ends.begin(), ends.end() - 1, middle) - ends.begin();
    absl::StrAppend(&cells[column], cells[column].empty() ? "" : " ", word->text);
  }
  return cells;
}

size_t Filled(const std::vector<std::string>& cells) {
  return cells.size() - static_cast<size_t>(std::count(cells.begin(), cells.end(), ""));
}

// Whether these rows are no text in columns.
bool IsTable(const std::vector<std::vector<std::string>>& rows, size_t columns) {
  size_t filled = 0;
  std::vector<double> bytes(columns, 0.0), cells(columns, 0.0);
  for (const std::vector<std::string>& row : rows) {
    filled += Filled(row) >= 2;
    for (size_t c = 0; c < columns; ++c) {
      bytes[c] += static_cast<double>(row[c].size());
      cells[c] += !row[c].empty();
    }
  }
  if (filled < kLeastRows) return false;
  if (static_cast<double>(filled) < kLeastFilled * static_cast<double>(rows.size())) return false;
  for (size_t c = 0; c < columns; ++c) {
    if (cells[c] > 0 && bytes[c] <= kNarrowColumn * cells[c]) return true;
  }
  return false;
}

// `upwards`: the lines come from below.
std::optional<PageTable> Find(const std::vector<PageWord>& words, double top, double aspect, bool upwards) {
  if (words.size() > kMostWords) return std::nullopt;
  Finder finder(words, aspect);
  std::vector<Line> lines = finder.Find(top);
  if (lines.size() < kLeastRows) return std::nullopt;
  const std::vector<double> ends = finder.ColumnEnds(lines);
  if (ends.size() < 2 || ends.size() > kMostColumns) return std::nullopt;
  if (upwards) std::reverse(lines.begin(), lines.end());
  std::vector<std::vector<std::string>> rows;
  PageTable found;
  found.box = lines[0].box;
  for (size_t i = 0; i < lines.size(); ++i) {
    found.box = Around(found.box, lines[i].box);
    std::vector<std::string> cells = CellsOf(lines[i], ends);
    const double gap = i == 0 ? 0.0 : std::max(lines[i].box.top - lines[i - 1].box.bottom,
                                               lines[i - 1].box.top - lines[i].box.bottom);
    if (i > 0 && cells[0].empty() && Filled(cells) == 1 && gap <= kContinuedGap * finder.height()) {
      for (size_t c = 0; c < cells.size(); ++c) {
        absl::StrAppend(&rows.back()[c], cells[c].empty() || rows.back()[c].empty() ? "" : " ", cells[c]);
      }
    } else {
      rows.push_back(std::move(cells));
    }
  }
  if (!IsTable(rows, ends.size())) return std::nullopt;
  std::vector<std::string> cells;
  for (std::vector<std::string>& row : rows) std::move(row.begin(), row.end(), std::back_inserter(cells));
  found.table = MakeTable(ends.size(), std::move(cells));
  if (found.table.cells.empty()) return std::nullopt;
  return found;
}

}  // namespace

std::optional<PageTable> FindTableBelow(const std::vector<PageWord>& words, double top, double aspect) {
  std::vector<PageWord> below;
  std::copy_if(words.begin(), words.end(), std::back_inserter(below),
               [&](const PageWord& word) { return Middle(word.box) > top; });
  return Find(below, top, aspect, false);
}

std::optional<PageTable> FindTableAbove(const std::vector<PageWord>& words, double bottom, double aspect) {
  std::vector<PageWord> above;
  for (const PageWord& word : words) {  // Upside down.
    if (Middle(word.box) >= bottom) continue;
    above.push_back({{word.box.left, 1 - word.box.bottom, word.box.right, 1 - word.box.top}, word.text});
  }
  std::optional<PageTable> found = Find(above, 1 - bottom, aspect, true);
  if (found.has_value()) {
    const double top = 1 - found->box.bottom;
    found->box.bottom = 1 - found->box.top;
    found->box.top = top;
  }
  return found;
}

}  // namespace mixmatch::model
