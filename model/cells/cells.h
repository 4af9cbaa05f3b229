// What cells of tables say: numbers, times, truth values or words.
#ifndef MIXMATCH_MODEL_CELLS_CELLS_H_
#define MIXMATCH_MODEL_CELLS_CELLS_H_

#include <cstddef>
#include <functional>

#include "absl/strings/string_view.h"

namespace mixmatch::model {

// From the most special to the most general.
enum class CellType : int { kEmpty = 0, kInteger, kNumber, kTime, kBoolean, kText };

// Of a whole column; kCategory: few different texts.
enum class ColumnType : int { kEmpty = 0, kInteger, kNumber, kTime, kBoolean, kCategory, kText };

// "integer", "number", ...
const char* ColumnTypeName(ColumnType type);

// White space around is left out of what any of these see.

// Nothing, or a word for it: NA, N/A, NaN, null, none, -, ?.
bool IsMissing(absl::string_view cell);

// 12, -3.5e4, 1,234.5, 1 234, 1,5, 45 %, $12, 12 EUR. Percent are hundredths; money is the number. False for NaN and infinity.
bool ParseNumber(absl::string_view cell, double* value);

// Seconds since 1970 in UTC: 2021-03-04, 2021/03/04, 2021-03, each with an optional time of day after a space or T
// (hours and minutes, seconds with a fraction, Z or an offset); 4.3.2021; 3/4/2021 (the month first unless it cannot be).
// Years 1 to 9999.
bool ParseTime(absl::string_view cell, double* unix_seconds);

// true, false, yes, no in any case.
bool ParseBoolean(absl::string_view cell, bool* value);

CellType TypeOfCell(absl::string_view cell);

// The type of all but one in twenty of the cells that are not missing; integers are numbers, too. `cell(i)` for i < count.
ColumnType TypeOfColumn(size_t count, const std::function<absl::string_view(size_t)>& cell);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_CELLS_CELLS_H_
