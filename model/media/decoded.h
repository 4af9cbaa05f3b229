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

// One decoded item. Only the fields of its modality are filled.
struct DecodedMedia {
  v1::Modality modality = v1::MODALITY_UNSPECIFIED;  // TEXT, IMAGE, AUDIO or VIDEO.
  std::string media_type;                            // Sniffed, e.g. "video/mp4".
  double duration_seconds = 0.0;                     // Of sound and video; else 0.
  std::string text;                                  // TEXT: valid UTF-8 without a byte order mark.
  std::vector<DecodedFrame> frames;                  // IMAGE: exactly one. VIDEO: at least one, evenly sampled.
  std::vector<float> samples;                        // AUDIO, and VIDEO with sound: mono at 16 kHz, -1 to 1.
  double samples_start_seconds = 0.0;                // When the first sample sounds, from the start of the item.
  std::vector<DecodedSubtitle> subtitles;            // VIDEO and AUDIO with subtitle tracks.
};

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_DECODED_H_
