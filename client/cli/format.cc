#include "client/cli/format.h"

#include <algorithm>
#include <map>
#include <ostream>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "google/protobuf/util/json_util.h"

namespace mixmatch::client {
namespace {

// Length of the well-formed UTF-8 sequence at `i`, 0 if it is broken; `code` is its code point. (RFC 3629)
size_t Decode(absl::string_view text, size_t i, uint32_t& code) {
  const auto byte = [&](size_t k) { return static_cast<unsigned char>(text[k]); };
  const unsigned char lead = byte(i);
  const size_t length = lead < 0x80                   ? 1
                        : lead >= 0xC2 && lead < 0xE0 ? 2
                        : lead >= 0xE0 && lead < 0xF0 ? 3
                        : lead >= 0xF0 && lead < 0xF5 ? 4
                                                      : 0;
  if (length == 0 || i + length > text.size()) return 0;
  code = length == 1 ? lead : lead & (0x7F >> length);
  for (size_t k = 1; k < length; ++k) {
    if ((byte(i + k) & 0xC0) != 0x80) return 0;
    code = code << 6 | (byte(i + k) & 0x3F);
  }
  const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  return overlong || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000) ? 0 : length;
}

bool SteersTerminal(uint32_t code) {
  return code < 0x20 || (code >= 0x7F && code < 0xA0) || (code >= 0x202A && code <= 0x202E) ||
         (code >= 0x2066 && code <= 0x2069) || code == 0x200E || code == 0x200F || code == 0x2028 || code == 0x2029;
}

size_t Width(absl::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string Clock(double seconds) {
  const int64_t tenths = static_cast<int64_t>(seconds * 10 + 0.5);
  return absl::StrFormat("%d:%02d.%d", tenths / 600, tenths / 10 % 60, tenths % 10);
}

}  // namespace

std::string Json(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string text;
  const auto status = google::protobuf::util::MessageToJsonString(message, &text, options);
  return status.ok() ? text : "{}";
}

std::string JsonString(absl::string_view text) {
  std::string quoted = "\"";
  for (size_t i = 0; i < text.size();) {
    uint32_t code = 0;
    const size_t length = Decode(text, i, code);
    if (length == 0) {
      quoted += "\\ufffd";
      ++i;
      continue;
    }
    if (code == '"' || code == '\\') {
      absl::StrAppend(&quoted, "\\", text.substr(i, 1));
    } else if (code < 0x20) {
      absl::StrAppendFormat(&quoted, "\\u%04x", code);
    } else {
      absl::StrAppend(&quoted, text.substr(i, length));
    }
    i += length;
  }
  return quoted + "\"";
}

std::string Printable(absl::string_view text) {
  std::string shown;
  for (size_t i = 0; i < text.size();) {
    uint32_t code = 0;
    const size_t length = Decode(text, i, code);
    if (length == 0 || SteersTerminal(code)) {
      shown += '?';
    } else {
      absl::StrAppend(&shown, text.substr(i, length));
    }
    i += std::max<size_t>(length, 1);
  }
  return shown;
}

std::string HtmlEscape(absl::string_view text) {
  std::string escaped;
  for (size_t i = 0; i < text.size();) {
    uint32_t code = 0;
    const size_t length = Decode(text, i, code);
    if (length == 0 || (code < 0x20 && code != '\n' && code != '\t') || (code >= 0x7F && code < 0xA0)) {
      escaped += "&#xFFFD;";
    } else if (code == '&') {
      escaped += "&amp;";
    } else if (code == '<') {
      escaped += "&lt;";
    } else if (code == '>') {
      escaped += "&gt;";
    } else if (code == '"') {
      escaped += "&quot;";
    } else if (code == '\'') {
      escaped += "&#39;";
    } else {
      absl::StrAppend(&escaped, text.substr(i, length));
    }
    i += std::max<size_t>(length, 1);
  }
  return escaped;
}

std::string ModalityName(v1::Modality modality) {
  if (modality == v1::MODALITY_UNSPECIFIED) return "any";
  if (!v1::Modality_IsValid(modality)) return absl::StrCat("modality ", static_cast<int>(modality));
  return absl::AsciiStrToLower(v1::Modality_Name(modality).substr(sizeof("MODALITY_") - 1));
}

bool ParseModality(absl::string_view name, v1::Modality& modality) {
  if (name == "any") {
    modality = v1::MODALITY_UNSPECIFIED;
    return true;
  }
  return name != "unspecified" && v1::Modality_Parse("MODALITY_" + absl::AsciiStrToUpper(name), &modality);
}

std::string Bytes(uint64_t bytes) {
  if (bytes < 1024) return absl::StrCat(bytes, " B");
  double value = static_cast<double>(bytes);
  const char* const units[] = {"KiB", "MiB", "GiB", "TiB"};
  int unit = -1;
  while (value >= 1024 && unit < 3) {
    value /= 1024;
    ++unit;
  }
  return absl::StrFormat("%.1f %s", value, units[unit]);
}

std::string PartText(const v1::Part& part) {
  std::vector<std::string> where;
  if (part.page() > 0) where.push_back(absl::StrCat("page ", part.page()));
  if (part.end_row() > part.start_row()) where.push_back(absl::StrCat("rows ", part.start_row() + 1, "-", part.end_row()));
  if (part.end_seconds() > part.start_seconds()) {
    where.push_back(absl::StrCat(Clock(part.start_seconds()), "-", Clock(part.end_seconds())));
  }
  const bool names_itself = part.kind() == v1::PART_KIND_UNSPECIFIED || part.kind() == v1::PART_KIND_PAGE ||
                            part.kind() == v1::PART_KIND_ROWS || !v1::PartKind_IsValid(part.kind());
  if (!names_itself) {
    where.push_back(absl::AsciiStrToLower(absl::StripPrefix(v1::PartKind_Name(part.kind()), "PART_KIND_")));
  }
  const std::string place = absl::StrJoin(where, ", ");
  const bool has_words = part.modality() == v1::MODALITY_TEXT || part.modality() == v1::MODALITY_TABLE ||
                         part.modality() == v1::MODALITY_SCORE || part.kind() == v1::PART_KIND_WORDS;
  if (!has_words || part.snippet().empty()) return place;
  // Paragraphs and lines on one line.
  const std::string words = absl::StrJoin(absl::StrSplit(part.snippet(), absl::ByAnyChar(" \t\r\n"), absl::SkipEmpty()), " ");
  return absl::StrCat(place, place.empty() ? "" : ": ", words);
}

std::string MetadataText(const v1::Item& item) {
  std::string text;
  const std::map<std::string, v1::MetadataValue> sorted(item.metadata().begin(), item.metadata().end());
  for (const auto& [key, value] : sorted) {
    absl::StrAppend(&text, text.empty() ? "" : " ", key, "=");
    if (value.has_number()) absl::StrAppend(&text, value.number());
    if (value.has_flag()) absl::StrAppend(&text, value.flag() ? "true" : "false");
    if (value.has_text()) absl::StrAppend(&text, value.text());
  }
  return text;
}

void Table::Add(std::vector<std::string> cells) {
  cells.resize(titles_.size());
  for (std::string& cell : cells) cell = Printable(cell);
  rows_.push_back(std::move(cells));
}

void Table::Print(std::ostream& out, bool color) const {
  std::vector<size_t> widths;
  for (const std::string& title : titles_) widths.push_back(Width(title));
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], Width(row[i]));
  }
  const auto print = [&](const std::vector<std::string>& row, bool bold) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      absl::StrAppend(&line, row[i]);
      if (i + 1 < row.size()) line.append(widths[i] - Width(row[i]) + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out << (bold && color ? "\033[1m" : "") << line << (bold && color ? "\033[0m" : "") << "\n";
  };
  print(titles_, true);
  for (const auto& row : rows_) print(row, false);
}

}  // namespace mixmatch::client
