// What a reader of words made of a picture: Tesseract's table of words (TSV), read without belief.
#ifndef MIXMATCH_MODEL_MEDIA_READ_WORDS_H_
#define MIXMATCH_MODEL_MEDIA_READ_WORDS_H_

#include <string>

#include "absl/strings/string_view.h"

namespace mixmatch::model {

inline constexpr size_t kMostReadBytes = 64 << 10;  // Of the words in one picture.

// The words of `tsv` that are surely words, a line a line, in the order of reading: UTF-8, at most kMostReadBytes. Left out
// are those of which the reader is less than 60 % sure, and those of a single ASCII letter, digit or sign. Empty where no
// word has three letters or digits (or one of another script), and of bytes that are no such table.
std::string WordsOf(absl::string_view tsv);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_READ_WORDS_H_
