#include "model/modality/text/text_tokens.h"

#include <algorithm>

#include "model/modality/feature_math.h"
#include "model/modality/modality.h"

namespace mixmatch::model {

void CountGrams(const std::u32string& word, uint8_t* token) {
  for (size_t n = 1; n <= 4; ++n) {
    for (size_t i = 0; i + n <= word.size(); ++i) {
      if (n == 1 && word[i] == U' ') continue;
      uint64_t hash = n;
      for (size_t k = 0; k < n; ++k) hash = SplitMix(hash ^ word[i + k]).Next();
      uint8_t& cell = token[hash % kTokenBytes];
      cell = static_cast<uint8_t>(std::min(255, cell + 64));
    }
  }
}

}  // namespace mixmatch::model
