#include "model/trunk/half_matrix.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cstring>

#include "model/cpu.h"

#ifdef MIXMATCH_CPU_MAY_HAVE_BF16
#include <immintrin.h>
#endif

namespace mixmatch::model {
namespace {

constexpr int kLanes = 16;               // Numbers of float32 in a register of AVX-512.
constexpr int kPanelVectors = 4;         // 6 rows of 4 vectors are summed at once: 24 of its 32 registers.
constexpr int kPanel = kPanelVectors * kLanes;
constexpr int kTileRows = 6;

int64_t Padded(int64_t columns) { return (columns + kLanes - 1) / kLanes * kLanes; }

// A panel of a right-hand side: `pairs` of rows, `columns` (a multiple of kLanes) of which `used` are not padding.
struct Panel {
  const HalfBits* numbers;
  int64_t pairs, columns, used;
  const float* bias;  // Null: none.
};

void Put(float value, float* out) { *out = value; }
void Put(float value, HalfBits* out) { *out = NarrowToHalf(value); }

template <typename Out>
void PlainPanel(const HalfBits* x, int64_t x_stride, int64_t rows, const Panel& panel, Out* out, int64_t stride) {
  for (; rows > 0; --rows, x += x_stride, out += stride) {
    float sums[kPanel] = {};
    const HalfBits* numbers = panel.numbers;
    for (int64_t k = 0; k < panel.pairs; ++k, numbers += 2 * panel.columns) {
      const float even = WidenHalf(x[2 * k]), odd = WidenHalf(x[2 * k + 1]);
      for (int64_t c = 0; c < panel.columns; ++c) {
        sums[c] += even * WidenHalf(numbers[2 * c]) + odd * WidenHalf(numbers[2 * c + 1]);
      }
    }
    for (int64_t c = 0; c < panel.used; ++c) Put(sums[c] + (panel.bias == nullptr ? 0 : panel.bias[c]), out + c);
  }
}

#ifdef MIXMATCH_CPU_MAY_HAVE_BF16

#define MIXMATCH_BF16 __attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16")))

MIXMATCH_BF16 inline void Store(__m512 sums, __mmask16 which, float* out) { _mm512_mask_storeu_ps(out, which, sums); }
MIXMATCH_BF16 inline void Store(__m512 sums, __mmask16 which, HalfBits* out) {
  const __m256bh rounded = _mm512_cvtneps_pbh(sums);
  __m256i bits;
  std::memcpy(&bits, &rounded, sizeof(bits));
  _mm256_mask_storeu_epi16(out, which, bits);
}

// Of a panel's vector, those that are not padding.
inline __mmask16 UsedLanes(const Panel& panel, int vector) {
  return static_cast<__mmask16>((1u << std::clamp<int64_t>(panel.used - vector * kLanes, 0, kLanes)) - 1);
}

// `kRows` rows of the product with a panel of `kVectors` vectors.
template <int kRows, int kVectors, typename Out>
MIXMATCH_BF16 void Tile(const HalfBits* x, int64_t x_stride, const Panel& panel, Out* out, int64_t stride) {
  __m512 sums[kRows][kVectors];
  for (int v = 0; v < kVectors; ++v) {
    const __mmask16 used = UsedLanes(panel, v);
    const __m512 first =
        panel.bias == nullptr ? _mm512_setzero_ps() : _mm512_maskz_loadu_ps(used, panel.bias + v * kLanes);
    for (int r = 0; r < kRows; ++r) sums[r][v] = first;
  }
  const HalfBits* numbers = panel.numbers;
  for (int64_t k = 0; k < panel.pairs; ++k, numbers += 2 * kVectors * kLanes) {
    __m512bh columns[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      const __m512i bits = _mm512_loadu_si512(numbers + 2 * v * kLanes);
      std::memcpy(&columns[v], &bits, sizeof(bits));
    }
#pragma GCC unroll 6
    for (int r = 0; r < kRows; ++r) {
      int32_t pair;
      std::memcpy(&pair, x + r * x_stride + 2 * k, sizeof(pair));
      const __m512i spread = _mm512_set1_epi32(pair);
      __m512bh row;
      std::memcpy(&row, &spread, sizeof(row));
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) sums[r][v] = _mm512_dpbf16_ps(sums[r][v], row, columns[v]);
    }
  }
  for (int v = 0; v < kVectors; ++v) {
    for (int r = 0; r < kRows; ++r) Store(sums[r][v], UsedLanes(panel, v), out + r * stride + v * kLanes);
  }
}

template <int kVectors, typename Out>
void FastPanel(const HalfBits* x, int64_t x_stride, int64_t rows, const Panel& panel, Out* out, int64_t stride) {
  for (; rows >= kTileRows; rows -= kTileRows, x += kTileRows * x_stride, out += kTileRows * stride) {
    Tile<kTileRows, kVectors>(x, x_stride, panel, out, stride);
  }
  switch (rows) {
    case 1: return Tile<1, kVectors>(x, x_stride, panel, out, stride);
    case 2: return Tile<2, kVectors>(x, x_stride, panel, out, stride);
    case 3: return Tile<3, kVectors>(x, x_stride, panel, out, stride);
    case 4: return Tile<4, kVectors>(x, x_stride, panel, out, stride);
    case 5: return Tile<5, kVectors>(x, x_stride, panel, out, stride);
    default: return;
  }
}

template <typename Out>
void FastPanel(const HalfBits* x, int64_t x_stride, int64_t rows, const Panel& panel, Out* out, int64_t stride) {
  switch (panel.columns / kLanes) {
    case 1: return FastPanel<1>(x, x_stride, rows, panel, out, stride);
    case 2: return FastPanel<2>(x, x_stride, rows, panel, out, stride);
    case 3: return FastPanel<3>(x, x_stride, rows, panel, out, stride);
    default: return FastPanel<4>(x, x_stride, rows, panel, out, stride);
  }
}

#endif

template <typename Out>
void MultiplyBy(const std::vector<HalfBits>& panels, int64_t in, int64_t columns, const HalfBits* x, int64_t x_stride,
                int64_t rows, const float* bias, Out* out, int64_t stride, [[maybe_unused]] bool plainly) {
  const int64_t pairs = in / 2, padded = Padded(columns);
  for (int64_t from = 0; from < padded; from += kPanel) {
    const Panel panel = {panels.data() + 2 * pairs * from, pairs, std::min<int64_t>(kPanel, padded - from),
                         std::min<int64_t>(kPanel, columns - from), bias == nullptr ? nullptr : bias + from};
#ifdef MIXMATCH_CPU_MAY_HAVE_BF16
    if (!plainly && CpuHasBf16()) {
      FastPanel(x, x_stride, rows, panel, out + from, stride);
      continue;
    }
#endif
    PlainPanel(x, x_stride, rows, panel, out + from, stride);
  }
}

}  // namespace

HalfMatrix HalfMatrix::OfWeight(const at::Tensor& weight) {
  const at::Tensor halves = weight.to(at::kBFloat16).contiguous();
  HalfMatrix matrix;
  matrix.SetColumns(DataOfHalf(halves), halves.size(1), halves.size(1), halves.size(0));
  return matrix;
}

void HalfMatrix::Reserve(int64_t in, int64_t out) {
  in_ = (in + 1) / 2 * 2;
  out_ = out;
  panels_.assign(in_ * Padded(out), 0);
}

void HalfMatrix::SetColumns(const HalfBits* rows, int64_t stride, int64_t in, int64_t out) {
  Reserve(in, out);
  for (int64_t c = 0; c < out; ++c) {
    const int64_t from = c / kPanel * kPanel, columns = std::min<int64_t>(kPanel, Padded(out) - from);
    HalfBits* at = panels_.data() + in_ * from + 2 * (c - from);
    for (int64_t k = 0; k < in; k += 2, at += 2 * columns) std::memcpy(at, rows + c * stride + k, 2 * sizeof(HalfBits));
  }
}

void HalfMatrix::SetRows(const HalfBits* rows, int64_t stride, int64_t in, int64_t out) {
  Reserve(in, out);
  for (int64_t from = 0; from < out; from += kPanel) {
    const int64_t columns = std::min<int64_t>(kPanel, Padded(out) - from), used = std::min<int64_t>(kPanel, out - from);
    for (int64_t k = 0; k < in; ++k) {
      HalfBits* at = panels_.data() + in_ * from + k / 2 * 2 * columns + k % 2;
      for (int64_t c = 0; c < used; ++c) at[2 * c] = rows[k * stride + from + c];
    }
  }
}

void HalfMatrix::Multiply(const HalfBits* x, int64_t x_stride, int64_t rows, const float* bias, HalfBits* out,
                          int64_t stride, bool plainly) const {
  MultiplyBy(panels_, in_, out_, x, x_stride, rows, bias, out, stride, plainly);
}

void HalfMatrix::Multiply(const HalfBits* x, int64_t x_stride, int64_t rows, const float* bias, float* out,
                          int64_t stride, bool plainly) const {
  MultiplyBy(panels_, in_, out_, x, x_stride, rows, bias, out, stride, plainly);
}

at::Tensor LinearHalf(const at::Tensor& x, const HalfMatrix& weight, const at::Tensor& bias, at::ScalarType to) {
  const int64_t b = x.dim() == 3 ? x.size(0) : 1, rows = x.size(-2), columns = weight.out();
  std::vector<int64_t> shape = x.sizes().vec();
  shape.back() = columns;
  at::Tensor out = at::empty(shape, x.options().dtype(to));
  const auto multiply = [&](auto* to_row) {
    const float* added = bias.defined() ? bias.data_ptr<float>() : nullptr;
    const int64_t apart = x.dim() == 3 ? x.stride(0) : 0;
    if (apart == rows * x.stride(-2)) return weight.Multiply(DataOfHalf(x), x.stride(-2), b * rows, added, to_row, columns);
    for (int64_t i = 0; i < b; ++i) {
      weight.Multiply(DataOfHalf(x) + i * apart, x.stride(-2), rows, added, to_row + i * rows * columns, columns);
    }
  };
  if (to == at::kFloat) {
    multiply(out.data_ptr<float>());
  } else {
    multiply(DataOfHalf(out));
  }
  return out;
}

}  // namespace mixmatch::model
