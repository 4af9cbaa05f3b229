// Files that are hashed as they are written and read.
#ifndef MIXMATCH_INDEX_VECTOR_FILE_IO_H_
#define MIXMATCH_INDEX_VECTOR_FILE_IO_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace mixmatch::index {

inline constexpr size_t kHashBytes = 32;
inline constexpr uint64_t kPageBytes = 4096;

// INTERNAL with the path and what errno says.
absl::Status FileError(const std::string& path, absl::string_view what);
// DATA_LOSS.
absl::Status Damaged(const std::string& path, absl::string_view what);

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor();
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  void Add(const void* bytes, size_t size);
  // 32 bytes, and begins anew.
  std::string Finish();

 private:
  struct Impl;
  const std::unique_ptr<Impl> impl_;
};

std::string HashOf(absl::string_view bytes);

// A stretch of a file.
struct FileRegion {
  uint64_t bytes = 0;
  std::string sha256;
};

// Writes a new file. After an error, calls do nothing; Finish says it.
class FileWriter {
 public:
  explicit FileWriter(std::string path);

  void Write(const void* bytes, size_t size);
  template <typename Number>
  void Scalar(Number number) { Write(&number, sizeof(number)); }
  template <typename Number>
  void Array(const std::vector<Number>& numbers) { Write(numbers.data(), sizeof(Number) * numbers.size()); }

  // Ends the region that began at the last such call, after zeros up to the next page.
  FileRegion EndRegion();
  // Syncs.
  absl::Status Finish();

 private:
  void Flush();
  void Pass(const void* bytes, size_t size);

  const std::string path_;
  const Descriptor file_;
  absl::Status status_;
  std::string buffer_;
  Sha256 hash_;
  uint64_t region_ = 0;  // Bytes of the region.
};

// Takes the bytes of a region apart from the front. They must outlive it.
class Reader {
 public:
  explicit Reader(absl::string_view bytes) : bytes_(bytes) {}

  bool Read(void* out, uint64_t size);
  template <typename Number>
  Number Scalar() {
    Number number = 0;
    Read(&number, sizeof(number));
    return number;
  }
  template <typename Number>
  std::vector<Number> Array(uint64_t count) {
    std::vector<Number> numbers;
    if (count > left() / sizeof(Number)) {
      good_ = false;
      return numbers;
    }
    numbers.resize(count);
    Read(numbers.data(), sizeof(Number) * count);
    return numbers;
  }
  bool Magic(absl::string_view wanted);
  uint64_t left() const { return bytes_.size() - at_; }
  bool good() const { return good_; }
  bool AtEnd() const { return good_ && left() == 0; }

 private:
  const absl::string_view bytes_;
  uint64_t at_ = 0;
  bool good_ = true;
};

// NOT_FOUND if there is no such file.
absl::StatusOr<std::string> ReadFile(const std::string& path);

// Reads `size` bytes from `offset` on; false on an error or at the end of the file.
bool ReadAt(int descriptor, uint64_t offset, void* out, size_t size);

absl::Status SyncDirectory(const std::string& directory);

}  // namespace mixmatch::index

#endif  // MIXMATCH_INDEX_VECTOR_FILE_IO_H_
