// Files that are there whole, on disk, or not at all; and their digests.
#ifndef MIXMATCH_SERVER_DURABLE_FILES_H_
#define MIXMATCH_SERVER_DURABLE_FILES_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace mixmatch::server {

// Errors name the path: RESOURCE_EXHAUSTED where the disk is full, NOT_FOUND where a file to read is not there, else
// INTERNAL.

// A temporary file beside it (".tmp"), synced, renamed; the directory is made and synced too.
absl::Status WriteDurably(const std::string& path, absl::string_view bytes);
absl::StatusOr<std::string> ReadWhole(const std::string& path);

// SHA-256 of a file; `progress`, if given, is told the bytes read with each piece, and ends it with CANCELLED by false.
absl::StatusOr<std::string> HashFile(const std::string& path, const std::function<bool(uint64_t bytes)>& progress = nullptr);
// Copies as WriteDurably writes. `wanted`: SHA-256 that the bytes must have, or DATA_LOSS and nothing is left at `to`.
absl::Status CopyDurably(const std::string& from, const std::string& to, absl::string_view wanted,
                         const std::function<bool(uint64_t bytes)>& progress = nullptr);

absl::Status SyncDirectory(const std::string& path);
// Renames within a file system and syncs the directory.
absl::Status RenameDurably(const std::string& from, const std::string& to);

// Of all files below a directory; files that go meanwhile count nothing.
uint64_t BytesBelow(const std::string& directory);

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_DURABLE_FILES_H_
