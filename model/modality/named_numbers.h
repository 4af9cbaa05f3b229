// Numbers that belong to names, as features: where a number goes depends on the names alone, never on their order.
#ifndef MIXMATCH_MODEL_MODALITY_NAMED_NUMBERS_H_
#define MIXMATCH_MODEL_MODALITY_NAMED_NUMBERS_H_

#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"

namespace mixmatch::model {

// A name without regard to case, accents and marks between words (see FoldText): the same for the same name everywhere.
uint64_t NameHash(absl::string_view name);
uint64_t MixHashes(uint64_t a, uint64_t b);

// The numbers as a sum of hashed places (feature hashing, Weinberger et al. 2009).
class NamedNumbers {
 public:
  explicit NamedNumbers(int dim) : values_(dim, 0.0f) {}

  // Adds `value` at two places of the key, each with a sign of its own.
  void Add(uint64_t key, float value);

  // Adds 1 at the place of the number within a scale of steps of `step`, shared by the two nearest steps: so a linear map
  // can tell ranges of the number. Not finite: nothing.
  void AddLevel(uint64_t key, float number, float step, float weight = 1.0f);

  const std::vector<float>& values() const { return values_; }

 private:
  std::vector<float> values_;
};

// asinh: linear near 0, logarithmic far from it, odd. Bounded by 90 for floats.
float Squash(double value);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MODALITY_NAMED_NUMBERS_H_
