// Which styles of a workbook's cells show dates or times, and the numbers of such cells as people read them.
#ifndef MIXMATCH_MODEL_MEDIA_WORKER_SHEET_DATES_H_
#define MIXMATCH_MODEL_MEDIA_WORKER_SHEET_DATES_H_

#include <cstdint>
#include <pugixml.hpp>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace mixmatch::model {

// ECMA-376 part 1, 18.8.30 (number formats) and 18.17.4 (dates).
class SheetDates {
 public:
  // `styles`: the root of xl/styles.xml.
  void ReadStyles(const pugi::xml_node& styles);
  // The workbook counts days from 1904, not 1900.
  void CountFrom1904() { from_1904_ = true; }

  // "2024-05-01", "2024-05-01T13:30:00" or "13:30:00" of a number in a cell of the style; empty where the style shows no
  // date, or there is no such date: before 1900 or after 9999.
  std::string Show(absl::string_view number, int64_t style) const;

  enum class Shows { kNumber, kDate, kTime, kMoment };
  // What a format code shows, such as "d. mmm yyyy" or "[$-407]hh:mm". Spans of time ("[h]:mm") are numbers.
  static Shows ShowsOf(absl::string_view format_code);

 private:
  std::vector<Shows> styles_;
  bool from_1904_ = false;
};

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_WORKER_SHEET_DATES_H_
