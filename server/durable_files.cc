#include "server/durable_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "proto/base/sha256.h"
#include "proto/base/status_macros.h"

namespace mixmatch::server {
namespace {

namespace fs = std::filesystem;

constexpr size_t kPieceBytes = 1 << 20;

absl::Status IoError(absl::string_view what, const std::string& path) {
  const int error = errno;
  const std::string message = absl::StrCat("cannot ", what, " ", path, ": ", std::strerror(error));
  if (error == ENOSPC || error == EDQUOT) {
    return absl::ResourceExhaustedError(absl::StrCat(message, "; free some space and try again"));
  }
  return error == ENOENT ? absl::NotFoundError(message) : absl::InternalError(message);
}

absl::Status WriteAll(int fd, const std::string& path, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return IoError("write", path);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

// `fill` writes into a temporary file, which then takes the place of `path`.
absl::Status Replace(const std::string& path, const std::function<absl::Status(int fd, const std::string& temporary)>& fill) {
  std::error_code error;
  const std::string directory = fs::path(path).parent_path().string();
  fs::create_directories(directory, error);
  const std::string temporary = path + ".tmp";
  const int fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) return IoError("make", temporary);
  absl::Cleanup close_fd = [fd] { close(fd); };
  absl::Status status = fill(fd, temporary);
  if (status.ok() && fsync(fd) != 0) status = IoError("sync", temporary);
  if (status.ok() && rename(temporary.c_str(), path.c_str()) != 0) status = IoError("rename", temporary);
  if (!status.ok()) {
    unlink(temporary.c_str());
    return status;
  }
  return SyncDirectory(directory);
}

absl::Status ReadPieces(const std::string& path, const std::function<absl::Status(absl::string_view)>& visit) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return IoError("open", path);
  absl::Cleanup close_fd = [fd] { close(fd); };
  std::vector<char> piece(kPieceBytes);
  while (true) {
    const ssize_t got = read(fd, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return IoError("read", path);
    if (got == 0) return absl::OkStatus();
    MIXMATCH_RETURN_IF_ERROR(visit({piece.data(), static_cast<size_t>(got)}));
  }
}

}  // namespace

absl::Status SyncDirectory(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return IoError("open", path);
  absl::Cleanup close_fd = [fd] { close(fd); };
  return fsync(fd) == 0 ? absl::OkStatus() : IoError("sync", path);
}

absl::Status RenameDurably(const std::string& from, const std::string& to) {
  if (rename(from.c_str(), to.c_str()) != 0) return IoError("rename", from);
  return SyncDirectory(fs::path(to).parent_path().string());
}

absl::Status WriteDurably(const std::string& path, absl::string_view bytes) {
  return Replace(path, [&](int fd, const std::string& temporary) { return WriteAll(fd, temporary, bytes); });
}

absl::StatusOr<std::string> ReadWhole(const std::string& path) {
  std::string bytes;
  MIXMATCH_RETURN_IF_ERROR(ReadPieces(path, [&](absl::string_view piece) {
    bytes.append(piece.data(), piece.size());
    return absl::OkStatus();
  }));
  return bytes;
}

absl::StatusOr<std::string> HashFile(const std::string& path, const std::function<bool(uint64_t bytes)>& progress) {
  Sha256 hash;
  MIXMATCH_RETURN_IF_ERROR(ReadPieces(path, [&](absl::string_view piece) {
    hash.Update(piece);
    return progress == nullptr || progress(piece.size()) ? absl::OkStatus() : absl::CancelledError("cancelled");
  }));
  return hash.Finish();
}

absl::Status CopyDurably(const std::string& from, const std::string& to, absl::string_view wanted,
                         const std::function<bool(uint64_t bytes)>& progress) {
  return Replace(to, [&](int fd, const std::string& temporary) {
    Sha256 hash;
    MIXMATCH_RETURN_IF_ERROR(ReadPieces(from, [&](absl::string_view piece) {
      hash.Update(piece);
      MIXMATCH_RETURN_IF_ERROR(WriteAll(fd, temporary, piece));
      return progress == nullptr || progress(piece.size()) ? absl::OkStatus() : absl::CancelledError("cancelled");
    }));
    if (hash.Finish() == wanted) return absl::OkStatus();
    return absl::DataLossError(absl::StrCat(from, " is damaged: its SHA-256 is not what was written"));
  });
}

uint64_t BytesBelow(const std::string& directory) {
  uint64_t bytes = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator file(directory, error), end; !error && file != end; file.increment(error)) {
    std::error_code gone;
    const uint64_t size = file->is_regular_file(gone) ? file->file_size(gone) : 0;
    if (!gone) bytes += size;
  }
  return bytes;
}

}  // namespace mixmatch::server
