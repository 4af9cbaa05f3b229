// Matrices of f32 in files without a header.
#ifndef MIXMATCH_TESTS_BENCH_INDEX_FILES_H_
#define MIXMATCH_TESTS_BENCH_INDEX_FILES_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/bench/index/truth.h"

namespace mixmatch::index_bench {

// The first rows of a file, mapped into memory while this lives.
class MappedMatrix {
 public:
  // INVALID_ARGUMENT if the file has fewer rows; `count` 0: all.
  static absl::StatusOr<std::unique_ptr<MappedMatrix>> Open(const std::string& path, int64_t count, int dim);
  ~MappedMatrix();
  MappedMatrix(const MappedMatrix&) = delete;
  MappedMatrix& operator=(const MappedMatrix&) = delete;

  const Matrix& matrix() const { return matrix_; }

 private:
  MappedMatrix(const Matrix& matrix, void* memory, size_t bytes) : matrix_(matrix), memory_(memory), bytes_(bytes) {}

  Matrix matrix_;
  void* memory_;
  size_t bytes_;
};

// Replaces the file.
absl::Status WriteFile(const std::string& path, const void* bytes, size_t count);

// Of this process: anonymous memory and mapped files. What glibc holds in reserve is given back first.
int64_t ResidentBytes();

}  // namespace mixmatch::index_bench

#endif  // MIXMATCH_TESTS_BENCH_INDEX_FILES_H_
