#include "tests/bench/index/files.h"

#include <fcntl.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "absl/strings/str_cat.h"

namespace mixmatch::index_bench {

absl::StatusOr<std::unique_ptr<MappedMatrix>> MappedMatrix::Open(const std::string& path, int64_t count, int dim) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return absl::NotFoundError(absl::StrCat("cannot open ", path));
  struct stat about = {};
  fstat(file, &about);
  const int64_t row_bytes = int64_t{dim} * static_cast<int64_t>(sizeof(float));
  const int64_t rows = about.st_size / row_bytes;
  if (count == 0) count = rows;
  if (count < 1 || count > rows) {
    close(file);
    return absl::InvalidArgumentError(absl::StrCat(path, ": has ", rows, " rows of ", dim, ", wanted ", count));
  }
  void* memory = mmap(nullptr, count * row_bytes, PROT_READ, MAP_PRIVATE, file, 0);
  close(file);
  if (memory == MAP_FAILED) return absl::ResourceExhaustedError(absl::StrCat("cannot map ", path));
  const Matrix matrix{static_cast<const float*>(memory), count, dim};
  return std::unique_ptr<MappedMatrix>(new MappedMatrix(matrix, memory, count * row_bytes));
}

MappedMatrix::~MappedMatrix() { munmap(memory_, bytes_); }

absl::Status WriteFile(const std::string& path, const void* bytes, size_t count) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(static_cast<const char*>(bytes), static_cast<std::streamsize>(count));
  out.close();
  return out ? absl::OkStatus() : absl::InternalError(absl::StrCat("cannot write ", path));
}

int64_t ResidentBytes() {
  malloc_trim(0);
  std::ifstream status("/proc/self/statm");
  int64_t total = 0, resident = 0;
  status >> total >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

}  // namespace mixmatch::index_bench
