#include "index/vector/kernels.h"

#include <cmath>
#include <cstdlib>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "index/vector/rows.h"
#include "tests/index/vector/vectors.h"

namespace mixmatch::index {
namespace {

template <typename Number>
std::unique_ptr<Number[], decltype(&std::free)> Aligned(size_t count) {
  return {static_cast<Number*>(std::aligned_alloc(64, (count * sizeof(Number) + 63) / 64 * 64)), &std::free};
}

TEST(KernelsTest, ThePlainOnesAreTheLastAndNamesDiffer) {
  const std::vector<Kernels> all = AvailableKernels();
  EXPECT_STREQ(all.back().name, "scalar");
  EXPECT_STREQ(all.front().name, BestKernels().name);
  std::set<std::string> names;
  for (const Kernels& kernels : all) names.insert(kernels.name);
  EXPECT_EQ(names.size(), all.size());
}

TEST(KernelsTest, EveryInstructionSetGivesTheInnerProductOfFloats) {
  for (const Kernels& kernels : AvailableKernels()) {
    for (int dim = 1; dim <= 600; dim += dim < 140 ? 1 : 17) {
      const Vectors vectors(8, dim, dim);
      const size_t n = StrideOf(dim);
      const auto rows = Aligned<float>(7 * n);
      for (int r = 0; r < 7; ++r) std::copy_n(PaddedCopy(vectors[r + 1]).get(), n, &rows[r * n]);
      const AlignedFloats query = PaddedCopy(vectors[0]);
      const float* scattered[4] = {&rows[5 * n], &rows[0], &rows[6 * n], &rows[2 * n]};
      float one_by_one[7], together[7], four[4];
      kernels.dot_rows(query.get(), rows.get(), 7, n, together);
      kernels.dot_4(query.get(), scattered, n, four);
      for (int r = 0; r < 7; ++r) {
        double wanted = 0, size = 0;
        for (int i = 0; i < dim; ++i) {
          const double product = double{vectors[0][i]} * vectors[r + 1][i];
          wanted += product;
          size += std::abs(product);
        }
        one_by_one[r] = kernels.dot(query.get(), &rows[r * n], n);
        ASSERT_NEAR(one_by_one[r], wanted, 4e-7 * size) << kernels.name << " at " << dim;
        ASSERT_EQ(together[r], one_by_one[r]) << kernels.name << " at " << dim;
      }
      const int order[4] = {5, 0, 6, 2};
      for (int i = 0; i < 4; ++i) ASSERT_EQ(four[i], one_by_one[order[i]]) << kernels.name << " at " << dim;
    }
  }
}

// Codes, at random or all at the ends of their range.
void FillCodes(uint8_t* rows, size_t count, int8_t* query, size_t n, bool extreme, std::mt19937& random) {
  auto code = [&] { return extreme ? (random() % 2 == 0 ? -127 : 127) : static_cast<int>(random() % 255) - 127; };
  for (size_t i = 0; i < count; ++i) rows[i] = static_cast<uint8_t>((extreme && i < n ? 127 : code()) + 128);
  for (size_t i = 0; i < n; ++i) query[i] = static_cast<int8_t>(extreme ? 127 : code());
}

TEST(KernelsTest, EveryInstructionSetIsExactOnCodes) {
  constexpr size_t kRows = 7;
  std::mt19937 random(1);
  const Kernels scalar = AvailableKernels().back();
  for (const Kernels& kernels : AvailableKernels()) {
    for (size_t n : {64, 128, 192, 320, 512, 576, 1024, 65'536}) {
      for (bool extreme : {false, true}) {
        const auto rows = Aligned<uint8_t>(kRows * n);
        const auto query = Aligned<int8_t>(n);
        FillCodes(rows.get(), kRows * n, query.get(), n, extreme, random);
        const uint8_t* scattered[4] = {&rows[6 * n], &rows[1 * n], &rows[0], &rows[4 * n]};
        int32_t together[kRows], four[4];
        kernels.code_rows(query.get(), rows.get(), kRows, n, together);
        kernels.code_4(query.get(), scattered, n, four);
        for (size_t r = 0; r < kRows; ++r) {
          const int32_t wanted = scalar.code_dot(query.get(), &rows[r * n], n);
          ASSERT_EQ(kernels.code_dot(query.get(), &rows[r * n], n), wanted) << kernels.name << " at " << n;
          ASSERT_EQ(together[r], wanted) << kernels.name << " at " << n;
          ASSERT_EQ(kernels.code_pair(&rows[r * n], &rows[0], n), scalar.code_pair(&rows[r * n], &rows[0], n))
              << kernels.name << " at " << n;
        }
        for (int i = 0; i < 4; ++i) {
          ASSERT_EQ(four[i], scalar.code_dot(query.get(), scattered[i], n)) << kernels.name << " at " << n;
        }
      }
    }
  }
}

TEST(KernelsTest, EveryInstructionSetCountsBitsInCommonByTheWorthOfTheirPlane) {
  constexpr size_t kRows = 7;
  std::mt19937_64 random(1);
  const Kernels scalar = AvailableKernels().back();
  for (const Kernels& kernels : AvailableKernels()) {
    for (size_t words : {8, 16, 64, 1024}) {
      const auto rows = Aligned<uint64_t>(kRows * words);
      const auto query = Aligned<uint64_t>(4 * words);
      for (bool all_set : {false, true}) {
        for (size_t i = 0; i < kRows * words; ++i) rows[i] = all_set ? ~uint64_t{0} : random();
        for (size_t i = 0; i < 4 * words; ++i) query[i] = all_set ? ~uint64_t{0} : random();
        uint32_t wanted[kRows], got[kRows];
        scalar.bit_rows(query.get(), rows.get(), kRows, words, wanted);
        kernels.bit_rows(query.get(), rows.get(), kRows, words, got);
        for (size_t r = 0; r < kRows; ++r) ASSERT_EQ(got[r], wanted[r]) << kernels.name << " at " << words;
        if (all_set) {
          EXPECT_EQ(wanted[0], words * 64 * 15);
        }
      }
    }
  }
}

TEST(KernelsTest, AScanGivesTheSameBitsAsSingleProducts) {
  constexpr int kDim = 100, kCount = 2500;
  const Vectors vectors(kCount, kDim, 1);
  Rows rows(kDim);
  for (int i = 0; i < kCount; ++i) rows.Append(vectors[i].data());
  const AlignedFloats query = PaddedCopy(vectors[7]);
  int64_t seen = 0;
  rows.Scan(query.get(), [&](int64_t first, int64_t count, const float* scores) {
    EXPECT_EQ(first, seen);
    for (int64_t i = 0; i < count; ++i) {
      EXPECT_EQ(scores[i], BestKernels().dot(query.get(), rows.row(first + i), rows.stride()));
    }
    seen += count;
    return true;
  });
  EXPECT_EQ(seen, kCount);
}

}  // namespace
}  // namespace mixmatch::index
