#include "model/media/worker/content.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace mixmatch::model {
namespace {

constexpr size_t kHeadBytes = 4096;

}  // namespace

absl::StatusOr<Content> Content::Take(int fd) {
  struct stat status = {};
  const bool known = fstat(fd, &status) == 0;
  Content content(fd, status.st_size);  // Closes fd on every way out.
  if (!known || !S_ISREG(status.st_mode)) {
    return absl::InvalidArgumentError("content: got something that is not a regular file, wanted a file or memfd");
  }
  if (status.st_size == 0) {
    return absl::InvalidArgumentError("content: got 0 bytes, wanted a text, picture, sound or video; send its bytes");
  }
  content.head_.resize(std::min<int64_t>(content.size_, kHeadBytes));
  content.head_.resize(std::max<int64_t>(content.ReadAt(0, content.head_.data(), content.head_.size()), 0));
  if (content.head_.empty()) return absl::InvalidArgumentError("content: cannot be read");
  return content;
}

absl::StatusOr<Content> Content::OfBytes(std::string bytes) {
  if (bytes.empty()) return absl::InvalidArgumentError("content: got a file of 0 bytes inside it");
  Content content(-1, static_cast<int64_t>(bytes.size()));
  content.head_ = bytes.substr(0, kHeadBytes);
  content.bytes_ = std::move(bytes);
  return content;
}

absl::StatusOr<Content> Content::TakePipe(int fd) {
  Content content(fd, -1);  // Closes fd on every way out.
  content.live_ = true;
  struct stat status = {};
  if (fstat(fd, &status) != 0 || !S_ISFIFO(status.st_mode)) {
    return absl::InvalidArgumentError("live: got something that is no pipe, wanted the reading end of one");
  }
  std::string head(kHeadBytes, '\0');
  while (content.head_.size() < kHeadBytes) {
    const ssize_t got = read(fd, head.data(), kHeadBytes - content.head_.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    content.head_.append(head.data(), got);
  }
  if (content.head_.empty()) return absl::InvalidArgumentError("live: got 0 bytes, wanted a sound or video");
  return content;
}

Content::Content(Content&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      bytes_(std::move(other.bytes_)),
      size_(other.size_),
      head_(std::move(other.head_)),
      live_(other.live_),
      told_(other.told_) {}

Content::~Content() {
  if (fd_ >= 0) close(fd_);
}

int64_t Content::ReadAt(int64_t position, void* data, size_t size) const {
  if (fd_ < 0) {
    if (position < 0 || position >= size_) return 0;
    return static_cast<int64_t>(bytes_.copy(static_cast<char*>(data), size, static_cast<size_t>(position)));
  }
  size_t filled = 0;
  while (filled < size) {
    const ssize_t got = pread(fd_, static_cast<char*>(data) + filled, size - filled, position + filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    if (got == 0) break;
    filled += got;
  }
  return filled;
}

int64_t Content::ReadNext(void* data, size_t size) {
  if (told_ < head_.size()) {
    const size_t some = std::min(size, head_.size() - told_);
    memcpy(data, head_.data() + told_, some);
    told_ += some;
    return some;
  }
  ssize_t got;
  do {
    got = read(fd_, data, size);
  } while (got < 0 && errno == EINTR);
  return got;
}

absl::StatusOr<std::string> Content::ReadEverything(int64_t max_bytes, const char* what) const {
  if (size_ > max_bytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("content: got ", what, " of ", size_, " bytes, wanted at most ", max_bytes, "; split it"));
  }
  std::string bytes(size_, '\0');
  if (ReadAt(0, bytes.data(), bytes.size()) != size_) return absl::InvalidArgumentError("content: cannot be read");
  return bytes;
}

}  // namespace mixmatch::model
