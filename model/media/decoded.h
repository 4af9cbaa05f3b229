// What decoding gives: plain pictures, samples and text, whatever the container was.
#ifndef MIXMATCH_MODEL_MEDIA_DECODED_H_
#define MIXMATCH_MODEL_MEDIA_DECODED_H_

#include <cstdint>
#include <string>
#include <vector>

#include "mixmatch/v1/item.pb.h"
#include "model/media/blocks.h"
#include "model/media/rows.h"

namespace mixmatch::model {

struct DecodedFrame {
  double seconds = 0.0;  // From the start of the item; not decreasing.
  DecodedImage image;    // Longer side at most MediaLimits::frame_side.
};

struct DecodedSubtitle {
  double start_seconds = 0.0;
  double end_seconds = 0.0;
  std::string text;  // UTF-8, no markup.
  std::string track;  // The name or language of its track; may be empty.
};

struct DecodedChapter {
  double start_seconds = 0.0;
  double end_seconds = 0.0;
  std::string title;  // UTF-8, not empty.
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
  std::vector<DecodedSubtitle> subtitles;            // VIDEO and AUDIO with subtitle tracks; TEXT that is subtitles.
  std::vector<DecodedChapter> chapters;              // VIDEO and AUDIO, and
  std::string tags;                                  // what the file says of itself, "name: value" a line;
  DecodedImage cover;                                // the picture on its cover; empty: none;
  std::string sound_track;                           // which of several sound tracks this is, and which there are.
  std::vector<DecodedBlock> blocks;                  // DOCUMENT.
  DecodedTable table;                                // TABLE.
  DecodedSeries series;                              // SERIES.
  DecodedScore score;                                // SCORE.
  double observed_unix_seconds = 0.0;                // SERIES whose times are dates: the first of them; else 0.
};

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_DECODED_H_
