#include "model/media/rows_reader.h"

#include <cmath>
#include <cstring>
#include <utility>

#include "model/media/wire_values.h"

namespace mixmatch::model {
namespace {

constexpr int kValuesPerCell = 4;  // See MediaLimits::max_cells.

bool AddSeriesHead(absl::string_view body, const MediaLimits& limits, DecodedMedia* media) {
  std::vector<std::string> names;
  if (!media->series.channels.empty() || !TakeValue(&body, &media->observed_unix_seconds) ||
      !std::isfinite(media->observed_unix_seconds) || std::abs(media->observed_unix_seconds) > 1e12 ||
      !TakeStrings(body, 2 * static_cast<size_t>(limits.max_columns), &names) || names.size() % 2 != 0) {
    return false;
  }
  for (size_t i = 0; i < names.size(); i += 2) {
    media->series.channels.push_back(std::move(names[i]));
    media->series.units.push_back(std::move(names[i + 1]));
  }
  return !names.empty();
}

bool AddSeriesRows(absl::string_view body, const MediaLimits& limits, DecodedSeries* series) {
  const size_t channels = series->channels.size(), row = sizeof(double) + channels * sizeof(float);
  if (channels == 0 || body.size() % row != 0) return false;
  const size_t rows = body.size() / row, old = series->seconds.size();
  if ((old + rows) * channels > static_cast<size_t>(limits.max_cells) * kValuesPerCell) return false;
  series->seconds.resize(old + rows);
  series->values.resize((old + rows) * channels);
  std::memcpy(series->seconds.data() + old, body.data(), rows * sizeof(double));
  std::memcpy(series->values.data() + old * channels, body.data() + rows * sizeof(double), rows * channels * sizeof(float));
  for (size_t r = old; r < old + rows; ++r) {
    if (!std::isfinite(series->seconds[r]) || series->seconds[r] < (r == 0 ? 0.0 : series->seconds[r - 1])) return false;
  }
  for (size_t i = old * channels; i < series->values.size(); ++i) {
    if (std::isinf(series->values[i])) return false;
  }
  return true;
}

bool AddNotes(absl::string_view body, const MediaLimits& limits, DecodedScore* score) {
  double bar;
  if (!TakeValue(&body, &bar) || !(bar >= 0.25) || !(bar <= 64.0) || body.size() % sizeof(DecodedNote) != 0) return false;
  const size_t old = score->notes.size(), notes = body.size() / sizeof(DecodedNote);
  if (old + notes > static_cast<size_t>(limits.max_cells)) return false;
  score->beats_per_bar = bar;
  score->notes.resize(old + notes);
  std::memcpy(static_cast<void*>(score->notes.data() + old), body.data(), body.size());
  for (size_t i = old; i < score->notes.size(); ++i) {
    const DecodedNote& note = score->notes[i];
    const bool timed = note.beat >= (i == 0 ? 0.0 : score->notes[i - 1].beat) && note.beat < 1e9 && note.seconds >= 0.0 &&
                       note.seconds < 1e9 && note.beats >= 0.0f && note.beats < 1e9f;
    if (!timed || note.pitch > 127 || note.velocity > 127 || note.program > 128) return false;
  }
  return true;
}

}  // namespace

bool AddRows(WireRecordType type, absl::string_view body, const MediaLimits& limits, DecodedMedia* media) {
  DecodedTable& table = media->table;
  switch (type) {
    case WireRecordType::kTable: {
      std::vector<std::string> names;
      if (!table.columns.empty() || !TakeStrings(body, static_cast<size_t>(limits.max_columns) + 1, &names) ||
          names.size() < 2) {
        return false;
      }
      table.name = std::move(names[0]);
      table.columns.assign(std::make_move_iterator(names.begin() + 1), std::make_move_iterator(names.end()));
      return true;
    }
    case WireRecordType::kCells:
      return !table.columns.empty() && TakeStrings(body, static_cast<size_t>(limits.max_cells), &table.cells);
    case WireRecordType::kSeries: return AddSeriesHead(body, limits, media);
    case WireRecordType::kRows: return AddSeriesRows(body, limits, &media->series);
    case WireRecordType::kNotes: return AddNotes(body, limits, &media->score);
    default: return false;
  }
}

bool TakeRows(WireKind kind, DecodedMedia* media) {
  const bool table = !media->table.columns.empty(), series = !media->series.seconds.empty(),
             score = !media->score.notes.empty();
  if (table + series + score != 1 || !media->frames.empty() || !media->samples.empty() || !media->text.empty()) return false;
  switch (kind) {
    case WireKind::kTable:
      media->modality = v1::MODALITY_TABLE;
      return table && media->table.cells.size() % media->table.columns.size() == 0;
    case WireKind::kSeries: media->modality = v1::MODALITY_SERIES; return series;
    case WireKind::kScore: media->modality = v1::MODALITY_SCORE; return score;
    default: return false;
  }
}

}  // namespace mixmatch::model
