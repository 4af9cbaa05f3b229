#include "index/vector/codes.h"

#include <cmath>
#include <vector>

#include "gtest/gtest.h"
#include "tests/index/vector/vectors.h"

namespace mixmatch::index {
namespace {

TEST(CodesTest, ScoresAreCloseToInnerProductsAtEveryDimension) {
  for (int dim : {1, 7, 63, 64, 65, 200, 512}) {
    const Vectors vectors(20, dim, dim);
    Codes codes(dim, 20);
    for (int i = 0; i < 20; ++i) codes.Set(i, vectors[i].data());
    const CodeQuery query = codes.Query(vectors[0].data());
    for (int i = 0; i < 20; ++i) {
      double wanted = 0;
      for (int j = 0; j < dim; ++j) wanted += double{vectors[0][j]} * vectors[i][j];
      const int32_t product = BestKernels().code_dot(query.codes.get(), codes.row(i), codes.stride()) - query.bias;
      EXPECT_NEAR(product * codes.scale(i) * query.scale, wanted, 0.01) << dim;
      const int32_t pair = BestKernels().code_pair(codes.row(0), codes.row(i), codes.stride());
      EXPECT_EQ(pair, product) << dim;
    }
  }
}

TEST(CodesTest, ARowAsAQueryHasItsOwnCodes) {
  const Vectors vectors(3, 100, 1);
  Codes codes(100, 3);
  for (int i = 0; i < 3; ++i) codes.Set(i, vectors[i].data());
  const CodeQuery made = codes.Query(vectors[2].data()), taken = codes.QueryOf(2);
  EXPECT_EQ(made.bias, taken.bias);
  EXPECT_EQ(made.scale, taken.scale);
  for (size_t i = 0; i < codes.stride(); ++i) EXPECT_EQ(made.codes[i], taken.codes[i]);
}

TEST(CodesTest, AZeroVectorHasZeroScores) {
  const std::vector<float> zero(64);
  const Vectors vectors(1, 64, 1);
  Codes codes(64, 1);
  codes.Set(0, zero.data());
  const CodeQuery query = codes.Query(vectors[0].data());
  EXPECT_EQ(BestKernels().code_dot(query.codes.get(), codes.row(0), codes.stride()), query.bias);
  EXPECT_EQ(codes.Query(zero.data()).bias, 0);
}

}  // namespace
}  // namespace mixmatch::index
