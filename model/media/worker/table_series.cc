#include "model/media/worker/table_series.h"

#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "model/cells/cells.h"

namespace mixmatch::model {
namespace {

constexpr size_t kLeastRows = 3;
constexpr double kFirstDate = 1e8;  // Seconds since 1970: the year 1973.
constexpr double kFirstSecond = -62135596800.0, kLastSecond = 253402300799.0;  // The years 1 to 9999, which can be told.
constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();

// "temp [C]", "temp (C)", "temp, C": name and unit.
std::pair<std::string, std::string> SplitUnit(absl::string_view column) {
  column = absl::StripAsciiWhitespace(column);
  for (const auto& [open, close] : {std::pair<char, char>{'(', ')'}, {'[', ']'}}) {
    const size_t at = column.rfind(open);
    if (at == column.npos || at == 0 || column.back() != close) continue;
    return {std::string(absl::StripAsciiWhitespace(column.substr(0, at))),
            std::string(absl::StripAsciiWhitespace(column.substr(at + 1, column.size() - at - 2)))};
  }
  const size_t comma = column.rfind(", ");
  if (comma != column.npos && comma > 0 && column.size() - comma <= 12) {
    return {std::string(column.substr(0, comma)), std::string(absl::StripAsciiWhitespace(column.substr(comma + 1)))};
  }
  return {std::string(column), ""};
}

bool NamesTime(absl::string_view column) {
  const std::string name = absl::AsciiStrToLower(SplitUnit(column).first);
  for (absl::string_view word : {"time", "timestamp", "date", "datetime", "seconds", "sec", "s", "ms", "t", "ts", "epoch", "unix",
                                 "unixtime", "time_s", "time_ms", "timestamp_ms"}) {
    if (name == word) return true;
  }
  return false;
}

bool NamesMilliseconds(absl::string_view column) {
  const auto [name, unit] = SplitUnit(column);
  return absl::EqualsIgnoreCase(unit, "ms") || absl::EqualsIgnoreCase(name, "ms") || absl::EndsWithIgnoreCase(name, "_ms");
}

class Reader {
 public:
  explicit Reader(const DecodedTable& table) : table_(table), columns_(table.columns.size()) {
    for (size_t c = 0; c < columns_; ++c) {
      types_.push_back(TypeOfColumn(rows(), [&](size_t r) { return absl::string_view(cell(r, c)); }));
    }
  }

  std::optional<TimedSeries> Read() const {
    if (rows() < kLeastRows) return std::nullopt;
    size_t time = columns_;
    for (size_t c = 0; c < columns_ && time == columns_; ++c) {
      if (types_[c] == ColumnType::kTime) time = c;
    }
    for (size_t c = 0; c < columns_ && time == columns_; ++c) {
      if (IsNumbers(c) && NamesTime(table_.columns[c])) time = c;
    }
    if (time == columns_) return std::nullopt;
    std::vector<size_t> channels;
    for (size_t c = 0; c < columns_; ++c) {
      if (c != time && IsNumbers(c)) channels.push_back(c);
    }
    if (channels.size() * 2 <= columns_ - 1) return std::nullopt;
    TimedSeries out;
    if (!ReadTimes(time, &out)) return std::nullopt;
    for (size_t c : channels) {
      auto [name, unit] = SplitUnit(table_.columns[c]);
      out.series.channels.push_back(std::move(name));
      out.series.units.push_back(std::move(unit));
    }
    for (size_t r = 0; r < rows(); ++r) {
      for (size_t c : channels) {
        double value;
        const bool known = ParseNumber(cell(r, c), &value) && std::abs(value) < 3e38;
        out.series.values.push_back(known ? static_cast<float>(value) : kMissing);
      }
    }
    return out;
  }

 private:
  size_t rows() const { return columns_ == 0 ? 0 : table_.cells.size() / columns_; }
  const std::string& cell(size_t row, size_t column) const { return table_.cells[row * columns_ + column]; }
  bool IsNumbers(size_t c) const { return types_[c] == ColumnType::kInteger || types_[c] == ColumnType::kNumber; }

  bool ReadTimes(size_t column, TimedSeries* out) const {
    const bool dates = types_[column] == ColumnType::kTime;
    std::vector<double>& seconds = out->series.seconds;
    for (size_t r = 0; r < rows(); ++r) {
      double value;
      if (!(dates ? ParseTime(cell(r, column), &value) : ParseNumber(cell(r, column), &value))) return false;
      if (!seconds.empty() && value < seconds.back()) return false;
      seconds.push_back(value);
    }
    if (!dates && (NamesMilliseconds(table_.columns[column]) || seconds[0] >= 1000 * kFirstDate)) {
      for (double& s : seconds) s /= 1000.0;
    }
    const double first = seconds[0];
    if (!(seconds.back() > first) || first < kFirstSecond || seconds.back() > kLastSecond) return false;
    if (dates || first >= kFirstDate) out->observed_unix_seconds = first;
    for (double& s : seconds) s -= first;
    return true;
  }

  const DecodedTable& table_;
  const size_t columns_;
  std::vector<ColumnType> types_;
};

}  // namespace

std::optional<TimedSeries> AsSeries(const DecodedTable& table) { return Reader(table).Read(); }

}  // namespace mixmatch::model
