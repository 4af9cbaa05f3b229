// Tables that are series: measurements over time.
#ifndef MIXMATCH_MODEL_MEDIA_WORKER_TABLE_SERIES_H_
#define MIXMATCH_MODEL_MEDIA_WORKER_TABLE_SERIES_H_

#include <optional>

#include "model/media/rows.h"

namespace mixmatch::model {

struct TimedSeries {
  DecodedSeries series;
  double observed_unix_seconds = 0.0;  // Of the first row, where times are dates; else 0.
};

// A table is a series if it has three rows or more, a column of times that is filled in every row and never goes back, and
// more columns of numbers than other columns beside it. Times are the first column of dates, else the first column of numbers
// that is named time, timestamp, date, datetime, seconds, sec, s, ms, t, ts, or epoch (a unit in brackets may follow): of seconds,
// or of milliseconds where the name or unit says ms or the numbers are dates as such. Numbers from 1e8 (1e11 milliseconds) on
// are dates. Columns of numbers become channels, the others are left out; a unit may stand behind a name in (), [] or after a
// comma. Cells that are no numbers are missing.
std::optional<TimedSeries> AsSeries(const DecodedTable& table);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_WORKER_TABLE_SERIES_H_
