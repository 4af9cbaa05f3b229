// What serving does between the products of the trunk, each in one pass over memory: see TrunkNet::ServeLayer. On CPUs,
// on the calling thread, without gradients. Tensors are contiguous. Results in bfloat16 are rounded to the nearest, ties
// to even. Not a public header: it names ATen.
#ifndef MIXMATCH_MODEL_TRUNK_FUSED_H_
#define MIXMATCH_MODEL_TRUNK_FUSED_H_

#include <ATen/core/Tensor.h>

#include "absl/types/span.h"

namespace mixmatch::model {

// at::layer_norm over the last dimension of float32, in bfloat16.
at::Tensor NormToHalf(const at::Tensor& x, const at::Tensor& gain, const at::Tensor& bias);

// x = x Phi(x), in bfloat16. Before rounding off by less than 5e-5 where |x| < 8, by 1e-5 |x| beyond.
void GeluHalf(const at::Tensor& x);

// x += y: float32 and bfloat16 of one size.
void AddHalf(const at::Tensor& x, const at::Tensor& y);

// Attention of several heads of an even depth: bfloat16, [b, l, 3 width] to [b, l, width]. The first `tokens` of a row, 1
// to l, are looked at. Products are rounded to bfloat16.
at::Tensor AttendHalf(const at::Tensor& qkv, int64_t heads, absl::Span<const int64_t> tokens);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_TRUNK_FUSED_H_
