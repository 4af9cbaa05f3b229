#include "model/modality/packed_features.h"

#include <cmath>
#include <cstdint>
#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace mixmatch::model {
namespace {

uint16_t ToHalf(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  const uint16_t sign = static_cast<uint16_t>((bits >> 16) & 0x8000u);
  const float magnitude = std::fabs(value);
  if (!(magnitude < 65504.0f)) return std::isnan(value) ? sign : static_cast<uint16_t>(sign | 0x7bffu);
  if (magnitude < 0x1.0p-14f) {  // Subnormal: a multiple of 2^-24.
    return static_cast<uint16_t>(sign | static_cast<uint16_t>(std::nearbyint(magnitude * 0x1.0p24f)));
  }
  std::memcpy(&bits, &magnitude, 4);
  bits += 0x0fffu + ((bits >> 13) & 1u);
  const uint32_t half = (bits >> 13) - (112u << 10);
  return static_cast<uint16_t>(sign | (half > 0x7bffu ? 0x7bffu : half));
}

float FromHalf(uint16_t half) {
  const uint32_t exponent = (half >> 10) & 0x1f, mantissa = half & 0x3ffu;
  float magnitude;
  if (exponent == 0) {
    magnitude = static_cast<float>(mantissa) * 0x1.0p-24f;
  } else {
    const uint32_t biased = exponent == 31 ? 255u : exponent + 112u;
    const uint32_t bits = (biased << 23) | (mantissa << 13);
    std::memcpy(&magnitude, &bits, 4);
  }
  return half & 0x8000u ? -magnitude : magnitude;
}

}  // namespace

std::string PackFeatures(absl::Span<const float> features) {
  std::string packed(features.size() * 2, '\0');
  for (size_t i = 0; i < features.size(); ++i) {
    const uint16_t half = ToHalf(features[i]);
    packed[2 * i] = static_cast<char>(half & 0xff);
    packed[2 * i + 1] = static_cast<char>(half >> 8);
  }
  return packed;
}

absl::StatusOr<std::vector<float>> UnpackFeatures(absl::string_view packed) {
  if (packed.size() % 2 != 0) {
    return absl::DataLossError(absl::StrCat("features: got ", packed.size(), " bytes, wanted two a value; describe the "
                                            "content again"));
  }
  std::vector<float> features(packed.size() / 2);
  for (size_t i = 0; i < features.size(); ++i) {
    const uint16_t half = static_cast<uint16_t>(static_cast<uint8_t>(packed[2 * i]) |
                                                (static_cast<uint8_t>(packed[2 * i + 1]) << 8));
    features[i] = FromHalf(half);
    if (!std::isfinite(features[i])) {
      return absl::DataLossError(absl::StrCat("features: value ", i, " is not a number; describe the content again"));
    }
  }
  return features;
}

}  // namespace mixmatch::model
