// Pictures and pieces of documents, as they are decoded.
#ifndef MIXMATCH_MODEL_MEDIA_BLOCKS_H_
#define MIXMATCH_MODEL_MEDIA_BLOCKS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "model/media/rows.h"

namespace mixmatch::model {

// In which pictures words are looked for; kFigures: those in documents.
enum class ReadWords : int { kOff = 0, kFigures = 1, kAll = 2 };

// A picture as a reader of words wants it: gray, row-major, width * height bytes, sharper than a DecodedImage.
struct DecodedScan {
  int width = 0;  // 0: there is none.
  int height = 0;
  std::string gray;
};

// Packed RGB, row-major, width * height * 3 bytes; transparency flattened on white.
struct DecodedImage {
  int width = 0;
  int height = 0;
  std::vector<uint8_t> rgb;
  DecodedScan scan = {};   // Of a picture that looks as if it had words in it, until they are read.
  std::string words = {};  // Read in it, a line a line: UTF-8; empty where there are none or none were looked for.
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

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_BLOCKS_H_
