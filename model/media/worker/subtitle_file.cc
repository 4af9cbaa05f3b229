#include "model/media/worker/subtitle_file.h"

#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace mixmatch::model {
namespace {

constexpr double kMaxSeconds = 1e6;

// "01:02:03,456", "02:03.456".
bool ParseTime(absl::string_view text, double* seconds) {
  const std::vector<absl::string_view> fields = absl::StrSplit(text, ':');
  if (fields.size() < 2 || fields.size() > 3) return false;
  *seconds = 0.0;
  for (size_t i = 0; i < fields.size(); ++i) {
    std::string field(fields[i]);
    for (char& c : field) {
      if (c == ',' && i + 1 == fields.size()) c = '.';
      if (!absl::ascii_isdigit(c) && !(c == '.' && i + 1 == fields.size())) return false;
    }
    double value;
    if (!absl::SimpleAtod(field, &value)) return false;
    *seconds = *seconds * 60.0 + value;
  }
  return *seconds <= kMaxSeconds;
}

// "00:00:01,000 --> 00:00:02,000", then perhaps settings.
bool ParseSpan(absl::string_view line, double* start, double* end) {
  const size_t arrow = line.find("-->");
  if (arrow == absl::string_view::npos) return false;
  const absl::string_view from = absl::StripAsciiWhitespace(line.substr(0, arrow));
  const absl::string_view rest = absl::StripAsciiWhitespace(line.substr(arrow + 3));
  const absl::string_view to = rest.substr(0, rest.find_first_of(" \t"));
  return ParseTime(from, start) && ParseTime(to, end);
}

absl::string_view TakeLine(absl::string_view* text) {
  const size_t end = text->find('\n');
  const absl::string_view line = text->substr(0, end);
  text->remove_prefix(end == absl::string_view::npos ? text->size() : end + 1);
  return absl::StripAsciiWhitespace(line);
}

// Without <tags> and {overrides}.
void AppendPlain(absl::string_view line, std::string* words) {
  if (!words->empty()) words->push_back('\n');
  while (!line.empty()) {
    const char close = line[0] == '<' ? '>' : line[0] == '{' ? '}' : '\0';
    const size_t end = close == '\0' ? absl::string_view::npos : line.find(close);
    if (end == absl::string_view::npos) {
      words->push_back(line[0]);
      line.remove_prefix(1);
    } else {
      line.remove_prefix(end + 1);
    }
  }
}

}  // namespace

std::string SubtitleFileType(absl::string_view text) {
  absl::string_view first = TakeLine(&text);
  if (first == "WEBVTT" || absl::StartsWith(first, "WEBVTT ") || absl::StartsWith(first, "WEBVTT\t")) return "text/vtt";
  while (first.empty() && !text.empty()) first = TakeLine(&text);
  uint64_t number;
  double start, end;
  return absl::SimpleAtoi(first, &number) && ParseSpan(TakeLine(&text), &start, &end) ? "application/x-subrip" : "";
}

void ReadSubtitleFile(absl::string_view text,
                      const std::function<void(double, double, absl::string_view)>& take) {
  while (!text.empty()) {
    double start, end;
    if (!ParseSpan(TakeLine(&text), &start, &end)) continue;
    std::string words;
    while (!text.empty()) {
      const absl::string_view line = TakeLine(&text);
      if (line.empty()) break;
      AppendPlain(line, &words);
    }
    absl::StripAsciiWhitespace(&words);
    if (!words.empty() && end >= start) take(start, end, words);
  }
}

}  // namespace mixmatch::model
