// A checksum for weights and learner states.
#ifndef MIXMATCH_MODEL_TENSORS_STATE_SUM_H_
#define MIXMATCH_MODEL_TENSORS_STATE_SUM_H_

#include <cstdint>
#include <cstring>

#include "absl/strings/string_view.h"

namespace mixmatch::model {

// A 64-bit sum over 8-byte words, position-dependent: finds cut, altered and reordered bytes, not malice.
inline uint64_t StateSum(absl::string_view bytes) {
  uint64_t sum = 0xcbf29ce484222325ull ^ bytes.size();
  size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) {
    uint64_t word;
    std::memcpy(&word, bytes.data() + i, 8);
    sum = (sum ^ word) * 0x9e3779b97f4a7c15ull;
    sum ^= sum >> 32;
  }
  for (; i < bytes.size(); ++i) sum = (sum ^ static_cast<unsigned char>(bytes[i])) * 0x100000001b3ull;
  return sum;
}

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_TENSORS_STATE_SUM_H_
