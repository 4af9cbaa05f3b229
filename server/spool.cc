#include "server/spool.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace mixmatch::server {
namespace {

constexpr int64_t kMostInMemory = 64 << 20;

}  // namespace

absl::StatusOr<Spool> Spool::Create(const std::string& directory, int64_t expected_bytes) {
  const int fd = expected_bytes <= kMostInMemory ? memfd_create("mixmatch-spool", MFD_CLOEXEC)
                                                 : open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd < 0) return absl::InternalError(absl::StrCat("spool: cannot make a temporary file: ", strerror(errno)));
  return Spool(fd);
}

Spool::~Spool() {
  if (fd_ >= 0) close(fd_);
}

absl::Status Spool::Append(absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      return absl::ResourceExhaustedError(absl::StrCat("spool: cannot write: ", strerror(errno), "; free some disk"));
    }
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

}  // namespace mixmatch::server
