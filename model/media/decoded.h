// What decoding gives: plain pictures, samples and text, whatever the container was.
#ifndef MIXMATCH_MODEL_MEDIA_DECODED_H_
#define MIXMATCH_MODEL_MEDIA_DECODED_H_

#include <cstdint>
#include <string>
#include <vector>

#include "mixmatch/v1/item.pb.h"

namespace mixmatch::model {

// Packed RGB, row-major, width * height * 3 bytes; transparency flattened on white.
struct DecodedImage {
  int width = 0;
  int height = 0;
  std::vector<uint8_t> rgb;
};

struct DecodedFrame {
  double seconds = 0.0;  // From the start of the item; not decreasing.
  DecodedImage image;    // Longer side at most MediaLimits::frame_side.
};

struct DecodedSubtitle {
  double start_seconds = 0.0;
  double end_seconds = 0.0;
  std::string text;  // UTF-8, no markup.
};

// Rows and columns of text.
struct DecodedTable {
  std::string name;                  // Of a sheet; may be empty.
  std::vector<std::string> columns;  // Names; "1", "2", ... where there is no header.
  std::vector<std::string> cells;    // Row-major, columns.size() a row; UTF-8; empty where nothing is.
};

// What sensors measured. Times ascend; gaps in time are gaps, and values that are missing are NaN.
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

// One piece of a document; pieces come in the order of reading.
struct DecodedBlock {
  enum class Kind : int { kText = 1, kHeading = 2, kCaption = 3, kFigure = 4, kPage = 5, kTable = 6, kCover = 7 };
  Kind kind = Kind::kText;
  int page = 0;                                     // From 1; 0 where the format has none.
  float left = 0, top = 0, right = 0, bottom = 0;   // Shares of the page; all 0 where the format does not say.
  std::string text;                                 // Text, heading, caption: UTF-8.
  DecodedImage image;                               // Figure, page, cover.
  DecodedTable table;                               // Table.
  int describes = -1;                               // Of a caption: the index of its figure or table in the blocks.
};

// One decoded item. Only the fields of its modality are filled.
struct DecodedMedia {
  v1::Modality modality = v1::MODALITY_UNSPECIFIED;
  std::string media_type;                            // Sniffed, e.g. "video/mp4".
  double duration_seconds = 0.0;                     // Of sound, video, series and scores; else 0.
  std::string text;                                  // TEXT: valid UTF-8 without a byte order mark.
  std::vector<DecodedFrame> frames;                  // IMAGE: exactly one. VIDEO: at least one, evenly sampled.
  std::vector<float> samples;                        // AUDIO, and VIDEO with sound: mono at 16 kHz, -1 to 1.
  double samples_start_seconds = 0.0;                // When the first sample sounds, from the start of the item.
  std::vector<DecodedSubtitle> subtitles;            // VIDEO and AUDIO with subtitle tracks.
  std::vector<DecodedBlock> blocks;                  // DOCUMENT.
  DecodedTable table;                                // TABLE.
  DecodedSeries series;                              // SERIES.
  DecodedScore score;                                // SCORE.
  double observed_unix_seconds = 0.0;                // SERIES whose times are dates: the first of them; else 0.
};

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_DECODED_H_
