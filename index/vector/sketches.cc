#include "index/vector/sketches.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "index/vector/kernels.h"

namespace mixmatch::index {
namespace {

constexpr int kRounds = 2;
constexpr int kPlanes = 4;
constexpr float kDeviations = 4.0f;

size_t BitsFor(int dim) {
  size_t bits = 512;
  while (bits < static_cast<size_t>(dim)) bits *= 2;
  return bits;
}

// In place, `size` a power of 2 from 16; multiplies lengths by the root of `size`.
void Hadamard(float* values, size_t size) {
  for (size_t begin = 0; begin < size; begin += 8) {  // The three narrowest steps in registers.
    float* v = values + begin;
    float a[8], b[8];
    for (int i = 0; i < 4; ++i) {
      a[i] = v[2 * i] + v[2 * i + 1];
      a[i + 4] = v[2 * i] - v[2 * i + 1];
    }
    for (int i = 0; i < 4; ++i) {
      b[i] = a[2 * i] + a[2 * i + 1];
      b[i + 4] = a[2 * i] - a[2 * i + 1];
    }
    for (int i = 0; i < 4; ++i) {
      v[i] = b[2 * i] + b[2 * i + 1];
      v[i + 4] = b[2 * i] - b[2 * i + 1];
    }
  }
  for (size_t half = 8; half < size; half *= 2) {
    for (size_t begin = 0; begin < size; begin += 2 * half) {
      float* left = values + begin;
      float* right = left + half;
      for (size_t i = 0; i < half; ++i) {
        const float sum = left[i] + right[i];
        right[i] = left[i] - right[i];
        left[i] = sum;
      }
    }
  }
}

// SplitMix64, Steele, Lea and Flood 2014.
uint64_t NextRandom(uint64_t& state) {
  uint64_t z = state += 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

}  // namespace

Sketches::Sketches(int dim) : dim_(dim), bits_(BitsFor(dim)), words_(bits_ / 64) {
  uint64_t state = 1;
  signs_.resize(kRounds * bits_);
  const float scale = 1.0f / std::sqrt(static_cast<float>(bits_));  // Makes a round keep lengths.
  for (float& sign : signs_) sign = NextRandom(state) >> 63 != 0 ? scale : -scale;
}

int64_t Sketches::bytes() const {
  return static_cast<int64_t>(blocks_.size() * Rows::kBlock * words_ * sizeof(uint64_t) +
                              (scales_.capacity() + ones_.capacity() + signs_.capacity()) * sizeof(float));
}

void Sketches::Turn(const float* vector, float* turned) const {
  std::copy(vector, vector + dim_, turned);
  std::fill(turned + dim_, turned + bits_, 0.0f);
  for (int round = 0; round < kRounds; ++round) {
    const float* signs = &signs_[round * bits_];
    for (size_t i = 0; i < bits_; ++i) turned[i] *= signs[i];
    Hadamard(turned, bits_);
  }
}

void Sketches::Grow() {
  if (size() == static_cast<int64_t>(blocks_.size()) * Rows::kBlock) {
    blocks_.push_back(NewAlignedFloats(Rows::kBlock * words_ * (sizeof(uint64_t) / sizeof(float))));
  }
  scales_.push_back(0);
  ones_.push_back(0);
}

void Sketches::Append(const float* vector) {
  Grow();
  Set(size() - 1, vector);
}

void Sketches::AppendFrom(const Sketches& other, int64_t from) {
  Grow();
  SetFrom(other, from, size() - 1);
}

void Sketches::SetFrom(const Sketches& other, int64_t from, int64_t to) {
  std::memcpy(words(to), other.words(from), words_ * sizeof(uint64_t));
  scales_[to] = other.scales_[from];
  ones_[to] = other.ones_[from];
  norm_ = std::max(norm_, other.norm_);
  spread_ = std::max(spread_, other.spread_);
  rounded_ = std::max(rounded_, other.rounded_);
}

void Sketches::PopBack() {
  scales_.pop_back();
  ones_.pop_back();
}

void Sketches::Set(int64_t i, const float* vector) {
  const AlignedFloats turned = NewAlignedFloats(bits_);
  Turn(vector, turned.get());
  uint64_t* row = words(i);
  float sums[8] = {}, squares[8] = {};  // Side by side, so that the compiler may use vector instructions.
  for (size_t j = 0; j < bits_; j += 8) {
    for (size_t k = 0; k < 8; ++k) {
      sums[k] += std::abs(turned[j + k]);
      squares[k] += turned[j + k] * turned[j + k];
    }
  }
  float sum = 0, square = 0;
  for (int k = 0; k < 8; ++k) sum += sums[k], square += squares[k];
  int ones = 0;
  for (size_t w = 0; w < words_; ++w) {
    uint64_t word = 0;
    for (size_t j = 0; j < 64; ++j) word |= uint64_t{turned[64 * w + j] > 0} << j;
    row[w] = word;
    ones += __builtin_popcountll(word);
  }
  ones_[i] = static_cast<float>(ones);
  scales_[i] = sum > 0 ? square / sum : 0;
  if (!(sum > 0)) return;
  // The cosine of the row and its signs says how far estimates may be off.
  const float norm = std::sqrt(square), cosine = sum / (norm * std::sqrt(static_cast<float>(bits_)));
  norm_ = std::max(norm_, norm);
  spread_ = std::max(spread_, norm * std::sqrt(std::max(0.0f, 1 - cosine * cosine)) /
                                  (cosine * std::sqrt(static_cast<float>(bits_ - 1))));
  rounded_ = std::max(rounded_, norm / (cosine * std::sqrt(12.0f)));
}

SketchQuery Sketches::Query(const float* vector) const {
  SketchQuery query;
  const AlignedFloats turned = NewAlignedFloats(bits_);
  Turn(vector, turned.get());
  const auto [least, most] = std::minmax_element(turned.get(), turned.get() + bits_);
  query.low = *least;
  query.step = (*most - *least) / 15;
  const float steps = query.step > 0 ? 1 / query.step : 0;
  query.planes = NewAlignedFloats(kPlanes * bits_ / 32);
  auto* planes = reinterpret_cast<uint64_t*>(query.planes.get());
  std::fill(planes, planes + kPlanes * words_, 0);
  float square = 0;
  int64_t numbers = 0;
  for (size_t i = 0; i < bits_; ++i) {
    const auto number = static_cast<uint64_t>((turned[i] - query.low) * steps + 0.5f);
    numbers += number;
    square += turned[i] * turned[i];
    for (int plane = 0; plane < kPlanes; ++plane) {
      planes[plane * words_ + i / 64] |= (number >> plane & 1) << (i % 64);
    }
  }
  query.sum = static_cast<float>(bits_) * query.low + query.step * static_cast<float>(numbers);
  query.norm = std::sqrt(square);
  return query;
}

void Sketches::Estimate(const SketchQuery& query, int64_t first, int64_t count, float* out) const {
  uint32_t common[Rows::kBlock];
  BestKernels().bit_rows(reinterpret_cast<const uint64_t*>(query.planes.get()), words(first), count, words_, common);
  // Signs are 1 where a bit is set, else -1.
  const float by_step = 2 * query.step, by_one = 2 * query.low;
  for (int64_t i = 0; i < count; ++i) {
    out[i] = scales_[first + i] *
             (by_step * static_cast<float>(static_cast<int32_t>(common[i])) + by_one * ones_[first + i] - query.sum);
  }
}

float Sketches::Least(const SketchQuery& query, float score) const {
  // Only what a query has at right angles to a row is guessed.
  const float cosine = std::clamp(score / std::max(query.norm * norm_, 1e-30f), 0.0f, 1.0f);
  const float guessed = query.norm * spread_ * std::sqrt(1 - cosine * cosine);
  const float margin = kDeviations * std::hypot(guessed, query.step * rounded_) + 1e-4f * query.norm * norm_;
  return score - margin;
}

std::shared_ptr<const Sketches> SketchesOf(const Rows& rows) {
  if (!Sketches::Useful(rows.dim())) return nullptr;
  auto sketches = std::make_shared<Sketches>(rows.dim());
  for (int64_t i = 0; i < rows.size(); ++i) sketches->Append(rows.row(i));
  rows.ForgetPages();
  return sketches;
}

}  // namespace mixmatch::index
