#include "model/media/worker/sheet_dates.h"

#include <cmath>
#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/time/civil_time.h"
#include "model/media/worker/xml.h"

namespace mixmatch::model {
namespace {

constexpr double kSecondsADay = 86'400.0;
constexpr double kDaysTo10000 = 2'958'466.0;
constexpr int kFalseLeapDay = 60;  // 29 February 1900, which never was.

// Formats that every program knows without being told, those of East Asia among them.
SheetDates::Shows BuiltIn(int64_t id) {
  if (id == 22) return SheetDates::Shows::kMoment;
  if ((id >= 14 && id <= 17) || (id >= 27 && id <= 31) || id == 36 || (id >= 50 && id <= 58)) return SheetDates::Shows::kDate;
  if ((id >= 18 && id <= 21) || (id >= 32 && id <= 35) || id == 45 || id == 47) return SheetDates::Shows::kTime;
  return SheetDates::Shows::kNumber;
}

std::string Clock(int64_t seconds) {
  return absl::StrFormat("%02d:%02d:%02d", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

}  // namespace

SheetDates::Shows SheetDates::ShowsOf(absl::string_view code) {
  bool days = false, hours = false, months = false;
  for (size_t i = 0; i < code.size() && code[i] != ';'; ++i) {
    switch (absl::ascii_tolower(static_cast<unsigned char>(code[i]))) {
      case '"':
      case '[': {
        const size_t end = code.find(code[i] == '"' ? '"' : ']', i + 1);
        if (end == code.npos) return Shows::kNumber;
        const char first = static_cast<char>(absl::ascii_tolower(static_cast<unsigned char>(code[i + 1])));
        if (code[i] == '[' && (first == 'h' || first == 'm' || first == 's')) return Shows::kNumber;
        i = end;
        break;
      }
      case '\\':
      case '_':
      case '*': ++i; break;
      case 'y':
      case 'd': days = true; break;
      case 'h':
      case 's': hours = true; break;
      case 'm': months = true; break;  // Or minutes, beside hours.
      case 'g':
        if (absl::EqualsIgnoreCase(code.substr(i, 7), "general")) return Shows::kNumber;
        break;
      case '0':
      case '#':
      case '?':
        if (!hours) return Shows::kNumber;  // Shares of seconds.
        break;
      default: break;
    }
  }
  if (days && hours) return Shows::kMoment;
  if (hours) return Shows::kTime;
  return days || months ? Shows::kDate : Shows::kNumber;
}

void SheetDates::ReadStyles(const pugi::xml_node& styles) {
  std::map<int64_t, Shows> own;
  for (const pugi::xml_node& format : Child(styles, "numFmts").children()) {
    if (Is(format, "numFmt")) own[NumberOf(Attribute(format, "numFmtId"), -1)] = ShowsOf(Attribute(format, "formatCode"));
  }
  for (const pugi::xml_node& style : Child(styles, "cellXfs").children()) {
    if (!Is(style, "xf")) continue;
    const int64_t id = NumberOf(Attribute(style, "numFmtId"), 0);
    const auto known = own.find(id);
    styles_.push_back(known != own.end() ? known->second : BuiltIn(id));
  }
}

std::string SheetDates::Show(absl::string_view number, int64_t style) const {
  double serial;
  if (style < 0 || style >= static_cast<int64_t>(styles_.size()) || styles_[style] == Shows::kNumber ||
      !absl::SimpleAtod(number, &serial) || !(serial >= 0.0) || serial >= kDaysTo10000) {
    return "";
  }
  // To the second: a serial number holds no more.
  const auto all = static_cast<int64_t>(std::llround(serial * kSecondsADay));
  const int64_t day = all / static_cast<int64_t>(kSecondsADay), seconds = all % static_cast<int64_t>(kSecondsADay);
  if (styles_[style] == Shows::kTime && day == 0) return Clock(seconds);
  if (!from_1904_ && (day == 0 || day == kFalseLeapDay)) return "";
  const absl::CivilDay first = from_1904_             ? absl::CivilDay(1904, 1, 1)
                               : day < kFalseLeapDay ? absl::CivilDay(1899, 12, 31)
                                                     : absl::CivilDay(1899, 12, 30);
  const absl::CivilDay date = first + day;
  if (date.year() > 9999) return "";
  const std::string iso = absl::StrFormat("%04d-%02d-%02d", date.year(), date.month(), date.day());
  return styles_[style] == Shows::kDate && seconds == 0 ? iso : iso + "T" + Clock(seconds);
}

}  // namespace mixmatch::model
