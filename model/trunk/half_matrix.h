// Products of matrices in bfloat16 for serving: numbers come in as bfloat16, are multiplied and summed in float32. Fast
// where the CPU has AVX512-BF16, right anywhere. On the calling thread, without gradients or state that is shared: any
// number of calls side by side. Not a public header: it names ATen.
#ifndef MIXMATCH_MODEL_TRUNK_HALF_MATRIX_H_
#define MIXMATCH_MODEL_TRUNK_HALF_MATRIX_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "model/trunk/half_bits.h"

namespace mixmatch::model {

// A right-hand side, [in, out] with an even `in`, held as the products read it: panels of 64 columns (the last one
// narrower, of 16, 32 or 48), in each the numbers of two neighbouring rows beside each other, column by column. What is
// added to fill the last 16 columns, and the last pair of rows, is 0.
class HalfMatrix {
 public:
  HalfMatrix() = default;  // Empty.
  // Of a linear's weight: [out, in], float32, `in` even.
  static HalfMatrix OfWeight(const at::Tensor& weight);
  // Of rows of `in` numbers, each a column of the right-hand side: `in` even, `stride` numbers from one to the next.
  void SetColumns(const HalfBits* rows, int64_t stride, int64_t in, int64_t out);
  // Of `in` rows of `out` numbers as they are; an odd `in` is made even.
  void SetRows(const HalfBits* rows, int64_t stride, int64_t in, int64_t out);

  int64_t in() const { return in_; }
  int64_t out() const { return out_; }

  // out = x times this, and `bias` [out()] where it is not null; x is [rows, in()]. Strides in numbers. bfloat16 is
  // rounded to the nearest, ties to even. `plainly`: without this CPU's instructions for it, which a test compares with.
  void Multiply(const HalfBits* x, int64_t x_stride, int64_t rows, const float* bias, HalfBits* out, int64_t stride,
                bool plainly = false) const;
  void Multiply(const HalfBits* x, int64_t x_stride, int64_t rows, const float* bias, float* out, int64_t stride,
                bool plainly = false) const;

 private:
  void Reserve(int64_t in, int64_t out);

  int64_t in_ = 0, out_ = 0;
  std::vector<HalfBits> panels_;
};

// A linear: x is [rows, in] or [b, rows, in] in bfloat16, of any strides but the last, `bias` float32. Contiguous, of
// type `to`: float32 or bfloat16.
at::Tensor LinearHalf(const at::Tensor& x, const HalfMatrix& weight, const at::Tensor& bias, at::ScalarType to);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_TRUNK_HALF_MATRIX_H_
