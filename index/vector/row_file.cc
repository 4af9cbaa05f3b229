#include "index/vector/row_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"

namespace mixmatch::index {
namespace {

constexpr size_t kBuffer = 1 << 20;

absl::Status IoError(absl::string_view what) {
  return absl::InternalError(absl::StrCat("index: cannot ", what, ": ", std::strerror(errno)));
}

}  // namespace

absl::StatusOr<std::shared_ptr<const RowFile>> RowFile::Map(int descriptor, int64_t offset, int64_t bytes) {
  void* mapping = nullptr;
  if (bytes > 0) {
    mapping = mmap(nullptr, bytes, PROT_READ, MAP_SHARED, descriptor, offset);
    if (mapping == MAP_FAILED) {
      const absl::Status status = IoError("map vectors on disk into memory");
      close(descriptor);
      return status;
    }
  }
  return std::shared_ptr<const RowFile>(new RowFile(descriptor, offset, bytes, mapping));
}

RowFile::~RowFile() {
  if (mapping_ != nullptr) munmap(mapping_, bytes_);
  close(descriptor_);
}

void RowFile::ForgetPages() const {
  if (mapping_ != nullptr) madvise(mapping_, bytes_, MADV_DONTNEED);
}

bool RowFile::Read(int64_t first, size_t count, float* out) const {
  char* at = reinterpret_cast<char*>(out);
  size_t left = sizeof(float) * count;
  off_t from = offset_ + static_cast<off_t>(sizeof(float)) * first;
  while (left > 0) {
    const ssize_t got = pread(descriptor_, at, left, from);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    at += got;
    from += got;
    left -= got;
  }
  return true;
}

absl::StatusOr<std::unique_ptr<RowFileWriter>> RowFileWriter::Create(const std::string& directory) {
  std::error_code error;
  const std::filesystem::path where =
      directory.empty() ? std::filesystem::temp_directory_path(error) : std::filesystem::path(directory);
  std::filesystem::create_directories(where, error);
  std::string pattern = (where / "mixmatch-rows-XXXXXX").string();
  const int descriptor = mkostemp(pattern.data(), O_CLOEXEC);
  if (descriptor < 0) return IoError(absl::StrCat("make a file for vectors in ", where.string()));
  unlink(pattern.c_str());
  return absl::WrapUnique(new RowFileWriter(descriptor));
}

RowFileWriter::~RowFileWriter() {
  if (descriptor_ >= 0) close(descriptor_);
}

void RowFileWriter::Append(const float* floats, size_t count) {
  const char* bytes = reinterpret_cast<const char*>(floats);
  buffer_.insert(buffer_.end(), bytes, bytes + sizeof(float) * count);
  if (buffer_.size() >= kBuffer) Flush();
}

void RowFileWriter::Flush() {
  const char* at = buffer_.data();
  size_t left = buffer_.size();
  while (left > 0 && status_.ok()) {
    const ssize_t written = write(descriptor_, at, left);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      status_ = IoError("write vectors to disk");
      break;
    }
    at += written;
    left -= written;
    bytes_ += written;
  }
  buffer_.clear();
}

absl::StatusOr<std::shared_ptr<const RowFile>> RowFileWriter::Finish() {
  Flush();
  if (!status_.ok()) return status_;
  return RowFile::Map(std::exchange(descriptor_, -1), 0, bytes_);
}

}  // namespace mixmatch::index
