// Rows as one bit a value: enough to tell which few rows of an exact scan can be among the nearest.
// Method: RaBitQ, Gao and Long, arXiv:2405.12497; the rotation is two rounds of random signs and a Hadamard transform.
#ifndef MIXMATCH_INDEX_VECTOR_SKETCHES_H_
#define MIXMATCH_INDEX_VECTOR_SKETCHES_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "index/vector/rows.h"

namespace mixmatch::index {

// A query as sketches want it: turned, and each value one of 16 steps.
struct SketchQuery {
  AlignedFloats planes;  // Four of as many bits as a sketch has.
  float low = 0, step = 0;  // A value is about low + step * its number.
  float sum = 0;            // Of all values, as they are rounded.
  float norm = 0;
};

// One sketch for each row of a matrix. Const methods may run concurrently with each other.
class Sketches {
 public:
  explicit Sketches(int dim);

  // Whether sketches of so many values tell rows apart.
  static bool Useful(int dim) { return dim >= 256; }

  int64_t size() const { return static_cast<int64_t>(scales_.size()); }
  int64_t bytes() const;

  // `vector` has dim values.
  void Append(const float* vector);
  void Set(int64_t i, const float* vector);
  // Takes row `from` of `other`, of the same dimension.
  void AppendFrom(const Sketches& other, int64_t from);
  void SetFrom(const Sketches& other, int64_t from, int64_t to);
  void PopBack();

  SketchQuery Query(const float* vector) const;
  // out[i]: about the inner product of the query and row first + i. The rows must be of one block of Rows::kBlock.
  void Estimate(const SketchQuery& query, int64_t first, int64_t count, float* out) const;
  // What the estimate of a row does not fall below if its inner product with the query is `score` or more: four standard
  // deviations below `score`, over all rotations; of 100,000 such rows about three do.
  float Least(const SketchQuery& query, float score) const;

 private:
  void Turn(const float* vector, float* turned) const;
  uint64_t* words(int64_t i) const {
    return reinterpret_cast<uint64_t*>(blocks_[i / Rows::kBlock].get()) + (i % Rows::kBlock) * words_;
  }
  void Grow();

  const int dim_;
  const size_t bits_;   // A power of 2, from 512.
  const size_t words_;  // Of 64 bits.
  std::vector<float> signs_;  // Of both rounds.
  std::vector<AlignedFloats> blocks_;
  std::vector<float> scales_;  // What the product of a row's signs and a query is to be multiplied with.
  std::vector<float> ones_;    // Bits set in each row.
  // The largest of all rows so far.
  float norm_ = 0;
  float spread_ = 0;   // Standard deviation of an estimate, for a query of norm 1 at right angles to the row.
  float rounded_ = 0;  // The same by rounding the query, in its steps.
};

// Null where they are of no use.
std::shared_ptr<const Sketches> SketchesOf(const Rows& rows);

}  // namespace mixmatch::index

#endif  // MIXMATCH_INDEX_VECTOR_SKETCHES_H_
