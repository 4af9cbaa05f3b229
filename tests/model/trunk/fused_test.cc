// Each fused loop beside what ATen computes in float32.
#include "model/trunk/fused.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace mixmatch::model {
namespace {

constexpr double kRounding = 1.0 / 256;  // The most that a number moves when rounded to bfloat16, beside itself.

at::Tensor Random(at::IntArrayRef shape, double deviation = 1) {
  return at::normal(0.0, deviation, shape, at::make_generator<at::CPUGeneratorImpl>(7));
}

// How far `got`, in bfloat16, is off beyond its rounding.
at::Tensor Excess(const at::Tensor& got, const at::Tensor& wanted) {
  return (got.to(at::kFloat) - wanted).abs() - wanted.abs() * kRounding;
}

TEST(Fused, ANormIsAtensRounded) {
  const c10::InferenceMode inference;
  for (const int64_t width : {8, 33, 128, 1024}) {
    const at::Tensor x = Random({70, 3, width}, 5) + 2, gain = Random({width}), bias = Random({width});
    const at::Tensor wanted = at::layer_norm(x, {width}, gain, bias);
    EXPECT_LT(Excess(NormToHalf(x, gain, bias), wanted).max().item<float>(), 1e-5) << width;
  }
}

TEST(Fused, AConstantRowBecomesTheBias) {
  const c10::InferenceMode inference;
  const at::Tensor bias = Random({32});
  const at::Tensor row = NormToHalf(at::full({1, 32}, 3.0f), at::ones({32}), bias)[0];
  EXPECT_TRUE(at::equal(row, bias.to(at::kBFloat16)));
}

TEST(Fused, GeluOfEveryFiniteNumberIsAtensRounded) {
  const c10::InferenceMode inference;
  const at::Tensor all = at::arange(0, 1 << 16, at::kInt).to(at::kShort).view(at::kBFloat16);
  const at::Tensor x = all.masked_select(all.isfinite()), wide = x.to(at::kFloat), got = x.clone();
  GeluHalf(got);
  const at::Tensor most = at::clamp_min(wide.abs() * 1e-5f, 5e-5f);
  EXPECT_TRUE((Excess(got, at::gelu(wide)) <= most * (1 + kRounding)).all().item<bool>());
}

TEST(Fused, AResidualIsAddedInFloat32) {
  const c10::InferenceMode inference;
  const at::Tensor x = Random({9, 70, 128}), y = Random({9, 70, 128}, 3).to(at::kBFloat16);
  const at::Tensor wanted = x + y.to(at::kFloat);
  AddHalf(x, y);
  EXPECT_TRUE(at::equal(x, wanted));
}

TEST(Fused, AttentionIsAtensWithinAFewRoundingsAndLooksAtARowsOwnTokensOnly) {
  const c10::InferenceMode inference;
  constexpr int64_t kHeads = 4;
  for (const int64_t l : {1, 7, 65}) {
    const at::Tensor qkv = Random({3, l, 3 * 128}).to(at::kBFloat16);
    const std::vector<int64_t> tokens = {l, (l + 1) / 2, 1};
    const at::Tensor got = AttendHalf(qkv, kHeads, tokens).to(at::kFloat);
    for (int64_t row = 0; row < 3; ++row) {
      const at::Tensor apart = qkv[row].to(at::kFloat).view({l, 3, kHeads, 32}).permute({1, 2, 0, 3});
      const at::Tensor keys = apart[1].narrow(1, 0, tokens[row]), values = apart[2].narrow(1, 0, tokens[row]);
      const at::Tensor weights = at::softmax(at::matmul(apart[0], keys.transpose(1, 2)) / std::sqrt(32.0), -1);
      const at::Tensor wanted = at::matmul(weights, values).transpose(0, 1).reshape({l, 128});
      EXPECT_LT((got[row] - wanted).abs().max().item<float>(), 0.02) << l << " " << row;
      EXPECT_GT(at::cosine_similarity(got[row], wanted, 1).min().item<float>(), 0.9999) << l << " " << row;
    }
  }
}

}  // namespace
}  // namespace mixmatch::model
