// The fixed descriptor of text in any language: hashed character n-grams and words.
#ifndef MIXMATCH_MODEL_MODALITY_TEXT_TEXT_FEATURES_H_
#define MIXMATCH_MODEL_MODALITY_TEXT_TEXT_FEATURES_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace mixmatch::model {

inline constexpr int kTextFeatures = 2048;

// Letters and digits of `text` (UTF-8; bad bytes are skipped) in lower case without Latin accents, anything else one
// space between words. Simple case folding of Latin, Greek, Cyrillic and Armenian; other scripts as they are.
std::u32string FoldText(absl::string_view text);

// kTextFeatures values of unit norm (feature hashing, Weinberger et al. 2009): n-grams of 1 to 5 characters within
// word boundaries, words, and pairs of words; counts enter by their square root. No word: zeros. Thread-safe.
std::vector<float> TextFeatures(absl::string_view text);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MODALITY_TEXT_TEXT_FEATURES_H_
