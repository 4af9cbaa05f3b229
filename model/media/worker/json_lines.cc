#include "model/media/worker/json_lines.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/strip.h"
#include "absl/strings/str_cat.h"
#include "model/media/worker/unicode.h"
#include "proto/base/status_macros.h"

namespace mixmatch::model {
namespace {

constexpr int kMostLevels = 32;
constexpr size_t kLongestName = 4096;   // Bytes, with the names around it.
constexpr size_t kMostFields = 65'536;  // Of one line.
constexpr int kSniffedLines = 5;

using Fields = std::vector<std::pair<std::string, std::string>>;

// Reads one object. Any function returns false where the text is not JSON, or is nested too deeply.
class ObjectReader {
 public:
  explicit ObjectReader(absl::string_view text) : text_(text) {}

  bool Read(Fields* fields) {
    SkipSpace();
    if (!ReadObject("", 0, fields)) return false;
    SkipSpace();
    return text_.empty();
  }

 private:
  void SkipSpace() {
    while (!text_.empty() && (text_[0] == ' ' || text_[0] == '\t' || text_[0] == '\r')) text_.remove_prefix(1);
  }
  bool Take(char c) {
    SkipSpace();
    if (text_.empty() || text_[0] != c) return false;
    text_.remove_prefix(1);
    return true;
  }

  bool ReadObject(const std::string& prefix, int level, Fields* fields) {
    if (level > kMostLevels || !Take('{')) return false;
    if (Take('}')) return true;
    do {
      std::string name;
      SkipSpace();
      if (!ReadString(&name) || !Take(':')) return false;
      if (prefix.size() + name.size() > kLongestName || fields->size() >= kMostFields) return false;
      if (!ReadValue(prefix.empty() ? name : absl::StrCat(prefix, ".", name), level, fields)) return false;
    } while (Take(','));
    return Take('}');
  }

  bool ReadValue(std::string name, int level, Fields* fields) {
    SkipSpace();
    if (text_.empty()) return false;
    if (text_[0] == '{') return ReadObject(name, level + 1, fields);
    std::string value;
    if (text_[0] == '"') {
      if (!ReadString(&value)) return false;
    } else {
      const absl::string_view begin = text_;
      if (!SkipValue(level)) return false;
      value = std::string(begin.substr(0, begin.size() - text_.size()));
      if (value == "null") value.clear();
    }
    fields->emplace_back(std::move(name), std::move(value));
    return true;
  }

  // Anything but the value is kept.
  bool SkipValue(int level) {
    SkipSpace();
    if (level > kMostLevels || text_.empty()) return false;
    std::string ignored;
    switch (text_[0]) {
      case '"': return ReadString(&ignored);
      case '{': {
        Fields inner;
        return ReadObject("", level + 1, &inner);
      }
      case '[':
        Take('[');
        if (Take(']')) return true;
        do {
          if (!SkipValue(level + 1)) return false;
        } while (Take(','));
        return Take(']');
      default: return SkipScalar();
    }
  }

  bool SkipScalar() {
    for (absl::string_view word : {"true", "false", "null"}) {
      if (absl::ConsumePrefix(&text_, word)) return true;
    }
    absl::ConsumePrefix(&text_, "-");
    const size_t whole = SkipDigits();
    if (whole == 0) return false;
    if (absl::ConsumePrefix(&text_, ".") && SkipDigits() == 0) return false;
    if (absl::ConsumePrefix(&text_, "e") || absl::ConsumePrefix(&text_, "E")) {
      if (!absl::ConsumePrefix(&text_, "+")) absl::ConsumePrefix(&text_, "-");
      return SkipDigits() > 0;
    }
    return true;
  }

  size_t SkipDigits() {
    size_t n = 0;
    while (n < text_.size() && absl::ascii_isdigit(text_[n])) ++n;
    text_.remove_prefix(n);
    return n;
  }

  bool ReadHex4(uint32_t* unit) {
    if (text_.size() < 4) return false;
    *unit = 0;
    for (int i = 0; i < 4; ++i) {
      const char c = absl::ascii_tolower(text_[i]);
      if (!absl::ascii_isxdigit(c)) return false;
      *unit = *unit * 16 + (c <= '9' ? c - '0' : c - 'a' + 10);
    }
    text_.remove_prefix(4);
    return true;
  }

  // NUL and lone surrogates become U+FFFD.
  bool ReadEscape(std::string* out) {
    if (text_.empty()) return false;
    const char c = text_[0];
    text_.remove_prefix(1);
    switch (c) {
      case 'n': out->push_back('\n'); return true;
      case 't': out->push_back('\t'); return true;
      case 'r': out->push_back('\r'); return true;
      case 'b':
      case 'f': out->push_back(' '); return true;
      case '"':
      case '\\':
      case '/': out->push_back(c); return true;
      case 'u': break;
      default: return false;
    }
    uint32_t point, low;
    if (!ReadHex4(&point)) return false;
    if (point >= 0xd800 && point < 0xdc00 && absl::ConsumePrefix(&text_, "\\u")) {
      if (!ReadHex4(&low)) return false;
      point = low >= 0xdc00 && low < 0xe000 ? 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00) : 0xfffd;
    }
    AppendUtf8(point == 0 || (point >= 0xd800 && point < 0xe000) ? 0xfffd : point, out);
    return true;
  }

  bool ReadString(std::string* out) {
    if (!absl::ConsumePrefix(&text_, "\"")) return false;
    while (!text_.empty()) {
      const size_t plain = std::min(text_.find_first_of("\"\\"), text_.size());
      out->append(text_.data(), plain);
      text_.remove_prefix(plain);
      if (absl::ConsumePrefix(&text_, "\"")) return true;
      if (absl::ConsumePrefix(&text_, "\\") && !ReadEscape(out)) return false;
    }
    return false;
  }

  absl::string_view text_;
};

// The line at the front, without its end; `whole` tells whether it had one.
absl::string_view TakeLine(absl::string_view* text, bool* whole) {
  const size_t end = text->find('\n');
  *whole = end != absl::string_view::npos;
  const absl::string_view line = text->substr(0, end);
  text->remove_prefix(*whole ? end + 1 : text->size());
  return absl::StripAsciiWhitespace(line);
}

absl::Status TooMany(absl::string_view what, size_t line, int64_t limit, absl::string_view flag) {
  return absl::ResourceExhaustedError(absl::StrCat("content: got JSON lines with more than ", limit, " ", what, ", in line ",
                                                   line, "; split them, or raise the server's ", flag));
}

}  // namespace

bool LooksLikeJsonLines(absl::string_view text) {
  int objects = 0;
  for (int n = 0; n < kSniffedLines && !text.empty(); ++n) {
    bool whole;
    const absl::string_view line = TakeLine(&text, &whole);
    if (line.empty()) continue;
    Fields fields;
    if (line[0] != '{') return false;
    if (!ObjectReader(line).Read(&fields)) return objects > 0 && !whole;
    ++objects;
  }
  return objects >= 2;
}

absl::StatusOr<Cells> ParseJsonLines(absl::string_view text, const RowLimits& limits) {
  absl::flat_hash_map<std::string, size_t> places;
  std::vector<std::string> names;
  std::vector<std::vector<std::pair<size_t, std::string>>> rows;
  int64_t filled = 0;
  for (size_t number = 1; !text.empty(); ++number) {
    bool whole;
    const absl::string_view line = TakeLine(&text, &whole);
    if (line.empty()) continue;
    Fields fields;
    if (!ObjectReader(line).Read(&fields)) {
      return absl::InvalidArgumentError(absl::StrCat("content: got JSON lines whose line ", number,
                                                     " is no JSON object of at most ", kMostLevels,
                                                     " levels, ", kMostFields, " values and names of ", kLongestName,
                                                     " bytes; write one object a line"));
    }
    rows.emplace_back();
    for (auto& [name, value] : fields) {
      if (value.size() > static_cast<size_t>(limits.max_cell_bytes) || name.size() > static_cast<size_t>(limits.max_cell_bytes)) {
        return TooMany("bytes in a cell", number, limits.max_cell_bytes, "--max-cell-bytes");
      }
      const auto [place, added] = places.try_emplace(name, names.size());
      if (added) names.push_back(std::move(name));
      rows.back().emplace_back(place->second, std::move(value));
    }
    filled += static_cast<int64_t>(fields.size());
    if (names.size() > static_cast<size_t>(limits.max_columns)) {
      return TooMany("columns", number, limits.max_columns, "--max-columns");
    }
    const int64_t all = static_cast<int64_t>(names.size()) * (static_cast<int64_t>(rows.size()) + 1);
    if (std::max(filled, all) > limits.max_cells) return TooMany("cells", number, limits.max_cells, "--max-cells");
  }
  Cells out;
  out.columns = names.size();
  out.cells.resize(names.size() * (rows.size() + 1));
  for (size_t c = 0; c < names.size(); ++c) out.cells[c] = std::move(names[c]);
  for (size_t r = 0; r < rows.size(); ++r) {
    for (auto& [column, value] : rows[r]) out.cells[(r + 1) * out.columns + column] = std::move(value);
  }
  return out;
}

}  // namespace mixmatch::model
