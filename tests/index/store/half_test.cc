#include "index/store/half.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace mixmatch::index {
namespace {

std::vector<float> RoundTrip(const std::vector<float>& in) {
  std::vector<char> halves(2 * in.size() + 1);
  FloatsToHalves(in.data(), in.size(), halves.data() + 1);  // Unaligned on purpose.
  std::vector<float> out(in.size());
  HalvesToFloats(halves.data() + 1, in.size(), out.data());
  return out;
}

TEST(HalfTest, EveryFiniteHalfComesBackAsItWas) {
  std::vector<float> all;
  for (int bits = 0; bits < 65536; ++bits) {
    if (((bits >> 10) & 31) != 31) all.push_back(HalfToFloat(static_cast<uint16_t>(bits)));
  }
  EXPECT_EQ(RoundTrip(all), all);
}

TEST(HalfTest, ValuesBeyondTheRangeBecomeTheLargest) {
  const float inf = std::numeric_limits<float>::infinity();
  EXPECT_EQ(RoundTrip({65504.0f, 65519.0f, 65520.0f, 1e9f, inf, -1e9f, -inf, 0.0f, 65505.0f}),
            (std::vector<float>{65504, 65504, 65504, 65504, 65504, -65504, -65504, 0, 65504}));
}

TEST(HalfTest, NotANumberStaysNotANumber) {
  const std::vector<float> out = RoundTrip(std::vector<float>(9, std::nanf("")));
  for (float value : out) EXPECT_TRUE(std::isnan(value));
}

TEST(HalfTest, TheFastCodeAgreesWithThePortableCodeOnRandomBits) {
  std::mt19937 random(1);
  std::vector<float> in(100'003);
  for (float& value : in) {
    uint32_t bits = random();
    std::memcpy(&value, &bits, 4);
    if (std::isnan(value)) value = 0;
  }
  // Random bits are seldom near the halves' range: bring a third of them there.
  for (size_t i = 0; i < in.size(); i += 3) {
    int exponent;
    in[i] = std::ldexp(std::frexp(in[i], &exponent), 16 - static_cast<int>(i % 45));
  }
  std::vector<char> halves(2 * in.size());
  FloatsToHalves(in.data(), in.size(), halves.data());
  for (size_t i = 0; i < in.size(); ++i) {
    uint16_t half;
    std::memcpy(&half, halves.data() + 2 * i, 2);
    ASSERT_EQ(half, FloatToHalf(in[i])) << in[i];
  }
}

}  // namespace
}  // namespace mixmatch::index
