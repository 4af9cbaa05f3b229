#include "model/cells/cells.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"

namespace mixmatch::model {
namespace {

constexpr size_t kLongestNumber = 64;  // Bytes.
constexpr size_t kLongestTime = 40;
constexpr double kAllowed = 0.05;      // Share of cells that may be of another type than their column.
constexpr size_t kMostLooked = 1000;   // Cells of a column, evenly spread.
constexpr size_t kMostCategories = 24;
constexpr size_t kLongestCategory = 40;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Takes digits off the front; their number. `value` is what they say.
size_t TakeDigits(absl::string_view* text, size_t most, int* value) {
  size_t n = 0;
  *value = 0;
  while (n < text->size() && n < most && IsDigit((*text)[n])) *value = *value * 10 + ((*text)[n++] - '0');
  text->remove_prefix(n);
  return n;
}

// Units of money and share around a number; what is left, and by what to multiply.
absl::string_view StripUnits(absl::string_view text, double* scale) {
  *scale = 1.0;
  for (absl::string_view sign : {"$", "\xe2\x82\xac", "\xc2\xa3", "EUR ", "USD "}) {
    if (absl::ConsumePrefix(&text, sign)) break;
  }
  if (absl::ConsumeSuffix(&text, "%")) *scale = 0.01;
  for (absl::string_view sign : {"\xe2\x82\xac", "EUR", "USD"}) {
    if (absl::ConsumeSuffix(&text, sign)) break;
  }
  return absl::StripAsciiWhitespace(text);
}

// Thousands' separators gone, the decimal mark a point; empty if this is no number.
std::string PlainNumber(absl::string_view text) {
  std::string out;
  size_t commas = 0, points = 0, after_comma = 0;
  for (char c : text) {
    commas += c == ',';
    points += c == '.';
    if (c == ',') after_comma = 0;
    after_comma += IsDigit(c);
  }
  const bool decimal_comma = commas == 1 && points == 0 && after_comma != 3;
  size_t group = 0;  // Digits since the last separator; groups of three are whole.
  bool separated = false, fraction = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (IsDigit(c)) {
      ++group;
      out.push_back(c);
    } else if (c == ',' && decimal_comma) {
      fraction = true;
      out.push_back('.');
    } else if ((c == ',' || c == ' ' || c == '\'') && !fraction) {
      if (group == 0 || group > 3 || (separated && group != 3)) return "";
      separated = true;
      group = 0;
    } else if (c == '.') {
      if (separated && group != 3) return "";
      separated = false;
      fraction = true;
      out.push_back(c);
    } else if (c == 'e' || c == 'E' || c == '+' || c == '-') {
      out.push_back(c);
    } else {
      return "";
    }
  }
  return separated && group != 3 ? "" : out;
}

// HH:MM[:SS[.f]][Z|+HH[:MM]], all of it; seconds after midnight UTC.
bool ParseClock(absl::string_view text, double* seconds) {
  int hour, minute, second = 0;
  if (TakeDigits(&text, 2, &hour) == 0 || !absl::ConsumePrefix(&text, ":") || TakeDigits(&text, 2, &minute) != 2) return false;
  double fraction = 0.0;
  if (absl::ConsumePrefix(&text, ":")) {
    if (TakeDigits(&text, 2, &second) != 2) return false;
    if (absl::ConsumePrefix(&text, ".") || absl::ConsumePrefix(&text, ",")) {
      double scale = 0.1;
      if (text.empty() || !IsDigit(text[0])) return false;
      for (; !text.empty() && IsDigit(text[0]); text.remove_prefix(1), scale *= 0.1) fraction += scale * (text[0] - '0');
    }
  }
  if (hour > 24 || minute > 59 || second > 60) return false;
  text = absl::StripLeadingAsciiWhitespace(text);
  double offset = 0.0;
  if (!absl::ConsumePrefix(&text, "Z") && !text.empty()) {
    const double sign = text[0] == '-' ? -1.0 : text[0] == '+' ? 1.0 : 0.0;
    int hours, minutes = 0;
    text.remove_prefix(1);
    if (sign == 0.0 || TakeDigits(&text, 2, &hours) != 2) return false;
    absl::ConsumePrefix(&text, ":");
    TakeDigits(&text, 2, &minutes);
    offset = sign * (hours * 3600.0 + minutes * 60.0);
  }
  *seconds = hour * 3600.0 + minute * 60.0 + second + fraction - offset;
  return text.empty();
}

}  // namespace

const char* ColumnTypeName(ColumnType type) {
  switch (type) {
    case ColumnType::kEmpty: return "empty";
    case ColumnType::kInteger: return "integer";
    case ColumnType::kNumber: return "number";
    case ColumnType::kTime: return "time";
    case ColumnType::kBoolean: return "boolean";
    case ColumnType::kCategory: return "category";
    case ColumnType::kText: break;
  }
  return "text";
}

bool IsMissing(absl::string_view cell) {
  cell = absl::StripAsciiWhitespace(cell);
  if (cell.size() > 4) return false;
  if (cell.empty() || cell == "-" || cell == "?") return true;
  for (absl::string_view word : {"na", "n/a", "nan", "null", "none"}) {
    if (absl::EqualsIgnoreCase(cell, word)) return true;
  }
  return false;
}

bool ParseNumber(absl::string_view cell, double* value) {
  cell = absl::StripAsciiWhitespace(cell);
  if (cell.empty() || cell.size() > kLongestNumber) return false;
  double scale;
  cell = StripUnits(cell, &scale);
  if (cell.empty()) return false;
  const char first = cell[0] == '-' || cell[0] == '+' ? (cell.size() > 1 ? cell[1] : 'x') : cell[0];
  if (!IsDigit(first) && first != '.') return false;
  std::string plain = PlainNumber(cell);
  if (plain.empty() || !absl::SimpleAtod(plain, value)) return false;
  *value *= scale;
  return std::isfinite(*value);
}

bool ParseTime(absl::string_view cell, double* unix_seconds) {
  cell = absl::StripAsciiWhitespace(cell);
  if (cell.size() < 6 || cell.size() > kLongestTime || !IsDigit(cell[0])) return false;
  int first, second = 0, third = 1;
  const size_t digits = TakeDigits(&cell, 4, &first);
  if (cell.empty()) return false;
  const char mark = cell[0];
  if (mark != '-' && mark != '/' && mark != '.') return false;
  cell.remove_prefix(1);
  if (TakeDigits(&cell, 2, &second) == 0) return false;
  const bool has_third = !cell.empty() && cell[0] == mark;
  size_t third_digits = 0;
  if (has_third) {
    cell.remove_prefix(1);
    third_digits = TakeDigits(&cell, 4, &third);
  }
  int year, month, day;
  if (digits == 4 && mark != '.' && (has_third ? third_digits >= 1 && third_digits <= 2 : mark == '-')) {
    year = first, month = second, day = third;
  } else if (digits <= 2 && third_digits == 4 && mark != '-') {
    const bool day_first = mark == '.' || first > 12;
    year = third, month = day_first ? second : first, day = day_first ? first : second;
  } else {
    return false;
  }
  const absl::CivilDay date(year, month, day);
  if (year < 1 || date.month() != month || date.day() != day) return false;
  double clock = 0.0;
  if (!cell.empty()) {
    if (cell[0] != 'T' && cell[0] != 't' && cell[0] != ' ') return false;
    if (!ParseClock(absl::StripLeadingAsciiWhitespace(cell.substr(1)), &clock)) return false;
  }
  *unix_seconds = static_cast<double>(date - absl::CivilDay(1970, 1, 1)) * 86400.0 + clock;
  return true;
}

bool ParseBoolean(absl::string_view cell, bool* value) {
  cell = absl::StripAsciiWhitespace(cell);
  for (absl::string_view word : {"true", "yes"}) {
    if (absl::EqualsIgnoreCase(cell, word)) return *value = true;
  }
  for (absl::string_view word : {"false", "no"}) {
    if (absl::EqualsIgnoreCase(cell, word)) {
      *value = false;
      return true;
    }
  }
  return false;
}

CellType TypeOfCell(absl::string_view cell) {
  double number;
  bool truth;
  if (IsMissing(cell)) return CellType::kEmpty;
  if (ParseNumber(cell, &number)) {
    const bool whole = std::abs(number) < 9e15 && number == std::floor(number) && !absl::StrContains(cell, '.');
    return whole ? CellType::kInteger : CellType::kNumber;
  }
  if (ParseTime(cell, &number)) return CellType::kTime;
  return ParseBoolean(cell, &truth) ? CellType::kBoolean : CellType::kText;
}

ColumnType TypeOfColumn(size_t count, const std::function<absl::string_view(size_t)>& cell) {
  const size_t looked = std::min(count, kMostLooked);
  size_t seen = 0, of[6] = {};
  bool long_text = false;
  absl::flat_hash_set<absl::string_view> different;
  for (size_t k = 0; k < looked; ++k) {
    const absl::string_view text = cell(k * count / looked);
    const CellType type = TypeOfCell(text);
    if (type == CellType::kEmpty) continue;
    ++seen;
    ++of[static_cast<int>(type)];
    long_text |= text.size() > kLongestCategory;
    if (different.size() <= kMostCategories) different.insert(text);
  }
  if (seen == 0) return ColumnType::kEmpty;
  const auto most = [&](size_t n) { return static_cast<double>(seen - n) <= kAllowed * static_cast<double>(seen); };
  const size_t integers = of[static_cast<int>(CellType::kInteger)], numbers = of[static_cast<int>(CellType::kNumber)];
  if (most(integers)) return ColumnType::kInteger;
  if (most(integers + numbers)) return ColumnType::kNumber;
  if (most(of[static_cast<int>(CellType::kTime)])) return ColumnType::kTime;
  if (most(of[static_cast<int>(CellType::kBoolean)])) return ColumnType::kBoolean;
  const bool few = different.size() <= kMostCategories && different.size() * 2 <= seen;
  return few && !long_text ? ColumnType::kCategory : ColumnType::kText;
}

}  // namespace mixmatch::model
