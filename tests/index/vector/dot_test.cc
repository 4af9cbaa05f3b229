#include "index/vector/dot.h"

#include <vector>

#include "gtest/gtest.h"
#include "index/vector/rows.h"
#include "tests/index/vector/vectors.h"

namespace mixmatch::index {
namespace {

TEST(DotTest, ItIsTheInnerProductAtEveryDimension) {
  for (int dim = 1; dim <= 200; ++dim) {
    const Vectors vectors(2, dim, dim);
    double wanted = 0;
    for (int i = 0; i < dim; ++i) wanted += double{vectors[0][i]} * vectors[1][i];
    EXPECT_NEAR(Dot(PaddedCopy(vectors[0]).get(), PaddedCopy(vectors[1]).get(), StrideOf(dim)), wanted, 1e-5) << dim;
  }
}

TEST(DotTest, AScanGivesTheSameBitsAsSingleProducts) {
  constexpr int kDim = 100, kCount = 2500;
  const Vectors vectors(kCount, kDim, 1);
  Rows rows(kDim);
  for (int i = 0; i < kCount; ++i) rows.Append(vectors[i].data());
  const AlignedFloats query = PaddedCopy(vectors[7]);
  int64_t seen = 0;
  rows.Scan(query.get(), [&](int64_t first, int64_t count, const float* scores) {
    EXPECT_EQ(first, seen);
    for (int64_t i = 0; i < count; ++i) EXPECT_EQ(scores[i], Dot(query.get(), rows.row(first + i), rows.stride()));
    seen += count;
  });
  EXPECT_EQ(seen, kCount);
}

}  // namespace
}  // namespace mixmatch::index
