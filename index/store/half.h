// IEEE 754 half precision, as stored: little-endian, 2 bytes a value.
#ifndef MIXMATCH_INDEX_STORE_HALF_H_
#define MIXMATCH_INDEX_STORE_HALF_H_

#include <cstddef>
#include <cstdint>

namespace mixmatch::index {

// Writes n halves to `out`, rounding to nearest even; values beyond 65,504 become that, NaN stays NaN. `out` needs no
// alignment. Uses F16C where the CPU has it; the result is the same everywhere.
void FloatsToHalves(const float* in, size_t n, char* out);

// Reads n halves from `in`, which needs no alignment. Exact.
void HalvesToFloats(const char* in, size_t n, float* out);

// The portable code behind both, for tests.
uint16_t FloatToHalf(float value);
float HalfToFloat(uint16_t half);

}  // namespace mixmatch::index

#endif  // MIXMATCH_INDEX_STORE_HALF_H_
