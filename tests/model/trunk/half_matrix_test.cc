// Products beside ATen's in float32 of the same bfloat16 numbers: with the instructions that this CPU has, and without.
#include "model/trunk/half_matrix.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <cmath>
#include <thread>
#include <vector>

namespace mixmatch::model {
namespace {

at::Tensor Random(at::IntArrayRef shape, int seed = 7) {
  return at::normal(0.0, 1.0, shape, at::make_generator<at::CPUGeneratorImpl>(seed)).to(at::kBFloat16);
}

double MostOff(const at::Tensor& got, const at::Tensor& wanted) { return (got - wanted).abs().max().item<float>(); }

TEST(HalfMatrix, ALinearOfAnySizeIsAtens) {
  const c10::InferenceMode inference;
  for (const int64_t rows : {1, 5, 6, 7, 64}) {
    for (const int64_t in : {2, 32, 130}) {
      for (const int64_t out : {1, 16, 63, 64, 65, 128, 192, 200}) {
        const at::Tensor x = Random({rows, in}), w = Random({out, in}, 8), bias = Random({out}, 9).to(at::kFloat);
        const at::Tensor wanted = at::linear(x.to(at::kFloat), w.to(at::kFloat), bias);
        const HalfMatrix held = HalfMatrix::OfWeight(w.to(at::kFloat));
        const at::Tensor wide = LinearHalf(x, held, bias, at::kFloat);
        ASSERT_LT(MostOff(wide, wanted), 1e-4) << rows << " " << in << " " << out;
        at::Tensor plain = at::empty({rows, out});
        held.Multiply(DataOfHalf(x), in, rows, bias.data_ptr<float>(), plain.data_ptr<float>(), out, /*plainly=*/true);
        ASSERT_LT(MostOff(plain, wanted), 1e-4) << rows << " " << in << " " << out;
        ASSERT_TRUE(at::equal(LinearHalf(x, held, bias, at::kBFloat16), wide.to(at::kBFloat16)))
            << rows << " " << in << " " << out;
      }
    }
  }
}

TEST(HalfMatrix, RowsMayOverlap) {
  const c10::InferenceMode inference;
  const at::Tensor frames = Random({3, 20, 8}), w = Random({24, 40}, 8);
  const at::Tensor windows = frames.as_strided({3, 8, 40}, {160, 16, 1});
  const at::Tensor wanted = at::matmul(windows.contiguous().to(at::kFloat), w.to(at::kFloat).t());
  const at::Tensor got = LinearHalf(windows, HalfMatrix::OfWeight(w.to(at::kFloat)), {}, at::kFloat);
  EXPECT_EQ(got.sizes(), wanted.sizes());
  EXPECT_LT(MostOff(got, wanted), 1e-4);
}

TEST(HalfMatrix, AnOddNumberOfRowsIsMadeEven) {
  const c10::InferenceMode inference;
  const at::Tensor right = Random({7, 70}), x = Random({9, 8}, 8);
  HalfMatrix matrix;
  matrix.SetRows(DataOfHalf(right), 70, 7, 70);
  EXPECT_EQ(matrix.in(), 8);
  at::Tensor got = at::empty({9, 70});
  matrix.Multiply(DataOfHalf(x), 8, 9, nullptr, got.data_ptr<float>(), 70);
  const at::Tensor wanted = at::matmul(x.narrow(1, 0, 7).to(at::kFloat), right.to(at::kFloat));
  EXPECT_LT(MostOff(got, wanted), 1e-4);
}

TEST(HalfMatrix, NothingIsWrittenBesideTheResult) {
  const c10::InferenceMode inference;
  const at::Tensor x = Random({7, 16}), w = Random({65, 16}, 8);
  at::Tensor out = at::full({8, 80}, 3.0f);
  HalfMatrix::OfWeight(w.to(at::kFloat)).Multiply(DataOfHalf(x), 16, 7, nullptr, out.data_ptr<float>(), 80);
  EXPECT_TRUE(at::equal(out.narrow(1, 65, 15), at::full({8, 15}, 3.0f)));
  EXPECT_TRUE(at::equal(out[7], at::full({80}, 3.0f)));
}

TEST(HalfMatrix, ManyThreadsGetTheSame) {
  const at::Tensor x = Random({200, 128}), w = Random({128, 128}, 8);
  const HalfMatrix held = HalfMatrix::OfWeight(w.to(at::kFloat));
  const at::Tensor wanted = LinearHalf(x, held, {}, at::kFloat);
  std::vector<int> same(8);
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int64_t rows = 1; rows <= 200; ++rows) {
        same[t] += at::equal(LinearHalf(x.narrow(0, 0, rows), held, {}, at::kFloat), wanted.narrow(0, 0, rows));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(same, std::vector<int>(8, 200));
}

}  // namespace
}  // namespace mixmatch::model
