// Rows of floats in a file without a name, or in a part of a file that has one.
#ifndef MIXMATCH_INDEX_VECTOR_ROW_FILE_H_
#define MIXMATCH_INDEX_VECTOR_ROW_FILE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace mixmatch::index {

// Read-only and thread-safe. The file may lose its name meanwhile, but must not be cut.
class RowFile {
 public:
  // Takes the descriptor over. `offset` is a multiple of 4,096, or `bytes` is 0. INTERNAL on an I/O error.
  static absl::StatusOr<std::shared_ptr<const RowFile>> Map(int descriptor, int64_t offset, int64_t bytes);
  ~RowFile();
  RowFile(const RowFile&) = delete;
  RowFile& operator=(const RowFile&) = delete;

  // Through the mapping: right for whole passes, after which ForgetPages() gives the memory back.
  const float* data() const { return static_cast<const float*>(mapping_); }
  void ForgetPages() const;

  // Reads `count` floats from the float `first` on without touching the mapping; false on an I/O error.
  bool Read(int64_t first, size_t count, float* out) const;

  int64_t bytes() const { return bytes_; }

 private:
  RowFile(int descriptor, int64_t offset, int64_t bytes, void* mapping)
      : descriptor_(descriptor), offset_(offset), bytes_(bytes), mapping_(mapping) {}

  const int descriptor_;
  const int64_t offset_, bytes_;
  void* const mapping_;
};

// Writes a RowFile that ends with its last user. Not thread-safe.
class RowFileWriter {
 public:
  // In `directory`; empty: the system's for temporary files. INTERNAL on an I/O error, with the path.
  static absl::StatusOr<std::unique_ptr<RowFileWriter>> Create(const std::string& directory);
  ~RowFileWriter();

  // After an error calls do nothing; Finish says it.
  void Append(const float* floats, size_t count);
  absl::StatusOr<std::shared_ptr<const RowFile>> Finish();

 private:
  explicit RowFileWriter(int descriptor) : descriptor_(descriptor) {}
  void Flush();

  int descriptor_;
  int64_t bytes_ = 0;
  std::vector<char> buffer_;
  absl::Status status_;
};

}  // namespace mixmatch::index

#endif  // MIXMATCH_INDEX_VECTOR_ROW_FILE_H_
