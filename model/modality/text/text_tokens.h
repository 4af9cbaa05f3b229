// Words as tokens of the trunk.
#ifndef MIXMATCH_MODEL_MODALITY_TEXT_TEXT_TOKENS_H_
#define MIXMATCH_MODEL_MODALITY_TEXT_TEXT_TOKENS_H_

#include <cstdint>
#include <string>

namespace mixmatch::model {

// Adds the hashed n-grams of 1 to 4 characters of a folded word, with a space at each end, to a token of kTokenBytes: 64 a
// count, at most 255.
void CountGrams(const std::u32string& word, uint8_t* token);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MODALITY_TEXT_TEXT_TOKENS_H_
