// Tables, series and scores as decoding gives them. Plain data: both sides of the wire use it.
#ifndef MIXMATCH_MODEL_MEDIA_ROWS_H_
#define MIXMATCH_MODEL_MEDIA_ROWS_H_

#include <cstdint>
#include <string>
#include <vector>

namespace mixmatch::model {

// Rows and columns of text.
struct DecodedTable {
  std::string name;                  // Of a sheet; may be empty.
  std::vector<std::string> columns;  // Names; "1", "2", ... where there is no header.
  std::vector<std::string> cells;    // Row-major, columns.size() a row; UTF-8; empty where nothing is.
};

// What sensors measured. Times do not descend; gaps in time are gaps, and values that are missing are NaN.
struct DecodedSeries {
  std::vector<std::string> channels;  // Names.
  std::vector<std::string> units;     // As many; empty where none is stated.
  std::vector<double> seconds;        // Of each row, from the first.
  std::vector<float> values;          // Row-major, channels.size() a row.
};

// A note of written music; pitch, velocity and program as in ScoreNote of model/modality/modality.h.
struct DecodedNote {
  double seconds = 0.0;  // When it begins, and
  double beat = 0.0;     // the same in quarter notes; both from the start of the item.
  float beats = 0.0f;    // How long it lasts.
  uint8_t pitch = 0;
  uint8_t velocity = 0;
  uint8_t program = 0;
  uint8_t reserved = 0;
};

struct DecodedScore {
  std::vector<DecodedNote> notes;  // By beat.
  double beats_per_bar = 4.0;      // At the beginning.
};

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_ROWS_H_
