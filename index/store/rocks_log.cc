#include "index/store/rocks_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace mixmatch::index {
namespace {

constexpr int64_t kMostBytes = 8 << 20;
constexpr size_t kMostLine = 2048;

}  // namespace

RocksLog::RocksLog(const std::string& directory) : path_(directory + "/LOG") {
  std::lock_guard<std::mutex> lock(mutex_);
  Open();
}

RocksLog::~RocksLog() {
  if (file_ >= 0) close(file_);
}

void RocksLog::Open() {
  file_ = open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  struct stat status;
  size_ = file_ >= 0 && fstat(file_, &status) == 0 ? status.st_size : 0;
}

void RocksLog::Logv(const char* format, va_list arguments) {
  char text[kMostLine];
  if (vsnprintf(text, sizeof(text), format, arguments) < 0) return;
  const std::string line = absl::StrCat(absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::Now(), absl::UTCTimeZone()), " ",
                                        text, "\n");
  std::lock_guard<std::mutex> lock(mutex_);
  if (size_ >= kMostBytes && file_ >= 0) {
    close(file_);
    rename(path_.c_str(), (path_ + ".old").c_str());
    Open();
  }
  if (file_ >= 0) size_ += std::max<ssize_t>(0, write(file_, line.data(), line.size()));
}

}  // namespace mixmatch::index
