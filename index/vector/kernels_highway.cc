// The kernels over Google Highway: this file is compiled once for every instruction set of the architecture.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "index/vector/kernels_highway.cc"
#include "hwy/foreach_target.h"  // Must come before highway.h.
#include "hwy/highway.h"
#include "index/vector/kernels_internal.h"

HWY_BEFORE_NAMESPACE();
namespace mixmatch::index {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::CappedTag<float, 16>;

// kRows inner products at once, each with four sums: `rows` yields the address of row r.
template <size_t kRows, typename Rows>
HWY_INLINE void Products(const float* query, const Rows& rows, size_t n, float* out) {
  const Floats d;
  const size_t lanes = hn::Lanes(d);
  hn::Vec<Floats> sums[kRows][4];
  for (size_t r = 0; r < kRows; ++r) {
    for (size_t j = 0; j < 4; ++j) sums[r][j] = hn::Zero(d);
  }
  size_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    for (size_t j = 0; j < 4; ++j) {
      const auto q = hn::Load(d, query + i + j * lanes);
      for (size_t r = 0; r < kRows; ++r) sums[r][j] = hn::MulAdd(q, hn::Load(d, rows(r) + i + j * lanes), sums[r][j]);
    }
  }
  for (; i < n; i += lanes) {
    const auto q = hn::Load(d, query + i);
    for (size_t r = 0; r < kRows; ++r) sums[r][0] = hn::MulAdd(q, hn::Load(d, rows(r) + i), sums[r][0]);
  }
  for (size_t r = 0; r < kRows; ++r) {
    const auto sum = hn::Add(hn::Add(sums[r][0], sums[r][1]), hn::Add(sums[r][2], sums[r][3]));
    out[r] = hn::GetLane(hn::SumOfLanes(d, sum));
  }
}

float Dot(const float* a, const float* b, size_t n) {
  float out;
  Products<1>(a, [b](size_t) HWY_ATTR { return b; }, n, &out);
  return out;
}

// One row after the other: the hardware fetches a single stream best.
void DotRows(const float* query, const float* rows, size_t count, size_t n, float* out) {
  for (size_t i = 0; i < count; ++i) {
    const float* row = rows + i * n;
    Products<1>(query, [row](size_t) HWY_ATTR { return row; }, n, out + i);
  }
}

// As many rows at a time as registers hold the sums of.
#if HWY_TARGET == HWY_AVX3
constexpr size_t kAtOnce = 4;
#else
constexpr size_t kAtOnce = 2;
#endif

void Dot4(const float* query, const float* const* rows, size_t n, float* out) {
  for (size_t i = 0; i < 4; i += kAtOnce) {
    Products<kAtOnce>(query, [rows, i](size_t r) HWY_ATTR { return rows[i + r]; }, n, out + i);
  }
}

using Words = hn::CappedTag<int16_t, 32>;
using Sums = hn::Repartition<int32_t, Words>;

// Sum of left(i) * right(i), which yield vectors of 16-bit words from position i on.
template <typename Left, typename Right>
HWY_INLINE int32_t WordProducts(const Left& left, const Right& right, size_t n) {
  const Words d;
  const Sums d32;
  const size_t lanes = hn::Lanes(d);
  auto a0 = hn::Zero(d32), a1 = hn::Zero(d32), b0 = hn::Zero(d32), b1 = hn::Zero(d32);
  for (size_t i = 0; i < n; i += 2 * lanes) {
    a0 = hn::ReorderWidenMulAccumulate(d32, left(i), right(i), a0, a1);
    b0 = hn::ReorderWidenMulAccumulate(d32, left(i + lanes), right(i + lanes), b0, b1);
  }
  return hn::GetLane(hn::SumOfLanes(d32, hn::Add(hn::Add(a0, a1), hn::Add(b0, b1))));
}

int32_t CodePair(const uint8_t* row, const uint8_t* other, size_t n) {
  const Words d;
  const hn::Rebind<uint8_t, Words> bytes;
  const auto bias = hn::Set(d, 128);
  return WordProducts(
      [=](size_t i) HWY_ATTR { return hn::Sub(hn::PromoteTo(d, hn::Load(bytes, row + i)), bias); },
      [=](size_t i) HWY_ATTR { return hn::Sub(hn::PromoteTo(d, hn::Load(bytes, other + i)), bias); }, n);
}

int32_t CodeDot(const int8_t* query, const uint8_t* row, size_t n) {
  const Words d;
  const hn::Rebind<uint8_t, Words> bytes;
  const hn::Rebind<int8_t, Words> signed_bytes;
  return WordProducts([=](size_t i) HWY_ATTR { return hn::PromoteTo(d, hn::Load(signed_bytes, query + i)); },
                      [=](size_t i) HWY_ATTR { return hn::PromoteTo(d, hn::Load(bytes, row + i)); }, n);
}

void CodeRows(const int8_t* query, const uint8_t* rows, size_t count, size_t n, int32_t* out) {
  for (size_t i = 0; i < count; ++i) out[i] = CodeDot(query, rows + i * n, n);
}

void Code4(const int8_t* query, const uint8_t* const* rows, size_t n, int32_t* out) {
  for (int i = 0; i < 4; ++i) out[i] = CodeDot(query, rows[i], n);
}

using Bits = hn::CappedTag<uint64_t, 8>;

void BitRows(const uint64_t* query, const uint64_t* rows, size_t count, size_t words, uint32_t* out) {
  const Bits d;
  const size_t lanes = hn::Lanes(d);
  for (size_t i = 0; i < count; ++i, rows += words) {
    auto sum = hn::Zero(d);
    for (size_t w = 0; w < words; w += lanes) {
      const auto row = hn::Load(d, rows + w);
      const auto a = hn::PopulationCount(hn::And(row, hn::Load(d, query + w)));
      const auto b = hn::PopulationCount(hn::And(row, hn::Load(d, query + words + w)));
      const auto c = hn::PopulationCount(hn::And(row, hn::Load(d, query + 2 * words + w)));
      const auto e = hn::PopulationCount(hn::And(row, hn::Load(d, query + 3 * words + w)));
      const auto low = hn::Add(a, hn::ShiftLeft<1>(b)), high = hn::Add(c, hn::ShiftLeft<1>(e));
      sum = hn::Add(sum, hn::Add(low, hn::ShiftLeft<2>(high)));
    }
    out[i] = static_cast<uint32_t>(hn::GetLane(hn::SumOfLanes(d, sum)));
  }
}

Kernels Table() {
  return {hwy::TargetName(HWY_TARGET), Dot, DotRows, Dot4, CodePair, CodeDot, CodeRows, Code4, BitRows};
}

}  // namespace HWY_NAMESPACE
}  // namespace mixmatch::index
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mixmatch::index {

HWY_EXPORT(Table);

std::vector<Kernels> HighwayKernels() {
  std::vector<Kernels> all;
  const int64_t supported = hwy::SupportedTargets();
  auto add = [&](int64_t target, Kernels (*table)()) {
    if (table != nullptr && (supported & target) != 0) all.push_back(table());
  };
#if HWY_ARCH_X86
  add(HWY_AVX3, HWY_CHOOSE_AVX3(Table));
  add(HWY_AVX2, HWY_CHOOSE_AVX2(Table));
  add(HWY_SSE4, HWY_CHOOSE_SSE4(Table));
  add(HWY_SSSE3, HWY_CHOOSE_SSSE3(Table));
#endif
  if (all.empty()) all.push_back(HWY_DYNAMIC_DISPATCH(Table)());
  return all;
}

}  // namespace mixmatch::index
#endif  // HWY_ONCE
