// Numbers in bfloat16 by their bits. Not a public header: it names ATen.
#ifndef MIXMATCH_MODEL_TRUNK_HALF_BITS_H_
#define MIXMATCH_MODEL_TRUNK_HALF_BITS_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <cstring>

namespace mixmatch::model {

using HalfBits = uint16_t;  // Of a bfloat16: the upper half of a float32's.

inline float WidenHalf(HalfBits x) {
  const uint32_t bits = uint32_t{x} << 16;
  float wide;
  std::memcpy(&wide, &bits, sizeof(wide));
  return wide;
}

// To the nearest, ties to even.
inline HalfBits NarrowToHalf(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof(bits));
  return static_cast<HalfBits>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

inline HalfBits* DataOfHalf(const at::Tensor& x) { return reinterpret_cast<HalfBits*>(x.data_ptr<at::BFloat16>()); }

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_TRUNK_HALF_BITS_H_
