#include "model/modality/named_numbers.h"

#include <cmath>
#include <string>

#include "model/modality/feature_math.h"
#include "model/modality/text/text_features.h"

namespace mixmatch::model {

uint64_t NameHash(absl::string_view name) {
  uint64_t hash = 0xcbf29ce484222325ull;
  for (const char32_t c : FoldText(name.substr(0, 1000))) hash = (hash ^ c) * 0x100000001b3ull;
  return SplitMix(hash).Next();
}

uint64_t MixHashes(uint64_t a, uint64_t b) { return SplitMix(a * 0x9e3779b97f4a7c15ull ^ b).Next(); }

void NamedNumbers::Add(uint64_t key, float value) {
  const uint64_t bits = SplitMix(key).Next();
  values_[bits % values_.size()] += bits >> 63 ? value : -value;
  values_[(bits >> 24) % values_.size()] += (bits >> 62) & 1 ? value : -value;
}

void NamedNumbers::AddLevel(uint64_t key, float number, float step, float weight) {
  if (!std::isfinite(number)) return;
  const float place = number / step, below = std::floor(place), share = place - below;
  const auto at = static_cast<int64_t>(below);
  Add(MixHashes(key, static_cast<uint64_t>(at)), weight * (1.0f - share));
  Add(MixHashes(key, static_cast<uint64_t>(at + 1)), weight * share);
}

float Squash(double value) { return std::isfinite(value) ? static_cast<float>(std::asinh(value)) : 0.0f; }

}  // namespace mixmatch::model
