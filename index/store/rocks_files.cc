#include "index/store/rocks_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "proto/base/status_macros.h"

namespace mixmatch::index {
namespace {

namespace fs = std::filesystem;

// RocksDB's log format (its file db/log_format.h): blocks of 32 KiB, records of crc, length, type and payload; the crc
// is of type and payload, CRC-32C, rotated and offset.
constexpr int64_t kBlock = 32 << 10;
constexpr int64_t kHeader = 7;
constexpr char kOpened[] = "OPENED";
constexpr int64_t kPage = 4096;  // What the system writes at once, or not at all.
constexpr int64_t kTail = 16;    // Fewer zeros at the end of a log may well be a record's own.

uint32_t Crc32c(const uint8_t* bytes, int64_t size) {
  static const auto* const table = [] {
    auto* made = new std::array<uint32_t, 256>;
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t crc = i;
      for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78u : 0u);
      (*made)[i] = crc;
    }
    return made;
  }();
  uint32_t crc = 0xffffffffu;
  for (int64_t i = 0; i < size; ++i) crc = (crc >> 8) ^ (*table)[(crc ^ bytes[i]) & 0xff];
  return crc ^ 0xffffffffu;
}

bool IsWhole(const uint8_t* record, int64_t length) {
  uint32_t stored;
  std::memcpy(&stored, record, 4);
  const uint32_t crc = Crc32c(record + 6, length + 1);
  return stored == ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

// Whether a page that had not come to the disk yet is in [begin, end), whose first byte is at `offset` of the file.
bool LacksAPage(const uint8_t* begin, const uint8_t* end, int64_t offset) {
  int64_t zeros = 0;
  for (const uint8_t* at = begin; at < end; ++at) {
    zeros = *at == 0 ? zeros + 1 : 0;
    if (zeros >= kPage && (offset + (at - begin) + 1) % kPage == 0) return true;
  }
  return false;
}

// Whether a whole record is in the block at `at`, or behind it.
bool HasWholeRecord(const uint8_t* block, int64_t at, int64_t size) {
  while (at + kHeader <= size) {
    const int64_t length = block[at + 4] + 256 * block[at + 5];
    if ((length == 0 && block[at + 6] == 0) || at + kHeader + length > size) return false;
    if (IsWhole(block + at, length)) return true;
    at += kHeader + length;
  }
  return false;
}

struct Listed {
  bool current = false, opened = false;
  bool tables = false;                // Or blobs.
  std::vector<std::string> logs;
  bool log_with_data = false;
};

absl::StatusOr<Listed> List(const std::string& path) {
  Listed listed;
  std::error_code error;
  for (fs::directory_iterator file(path, error), end; !error && file != end; file.increment(error)) {
    const std::string name = file->path().filename().string(), extension = file->path().extension().string();
    listed.current |= name == "CURRENT";
    listed.opened |= name == kOpened;
    listed.tables |= extension == ".sst" || extension == ".blob";
    if (extension != ".log") continue;
    listed.logs.push_back(file->path().string());
    std::error_code gone;
    listed.log_with_data |= file->file_size(gone) > 0 && !gone;
  }
  if (error) return absl::InternalError(absl::StrCat("store: cannot list ", path, ": ", error.message()));
  std::sort(listed.logs.begin(), listed.logs.end());
  return listed;
}

absl::Status Gone(const std::string& path, absl::string_view what) {
  return absl::DataLossError(
      absl::StrCat("store: ", path, ": ", what, " is gone while data are there; restore the directory from a backup"));
}

absl::Status SyncDirectory(const std::string& path) {
  const int fd = open(path.empty() ? "." : path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = fd >= 0 && fsync(fd) == 0;
  const int error = errno;
  if (fd >= 0) close(fd);
  if (synced) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("store: cannot sync the directory ", path, ": ", strerror(error)));
}

}  // namespace

absl::Status MakeDirectories(const std::string& path) {
  std::error_code error;
  if (path.empty() || fs::exists(path, error)) return absl::OkStatus();
  const std::string parent = fs::path(path).parent_path().string();
  MIXMATCH_RETURN_IF_ERROR(MakeDirectories(parent));
  fs::create_directory(path, error);
  if (error) {
    return absl::InternalError(absl::StrCat("store: cannot make the directory ", path, ": ", error.message(),
                                            "; give one that can be written"));
  }
  return SyncDirectory(parent);
}

absl::Status NoteOpened(const std::string& path) {
  const std::string file = absl::StrCat(path, "/", kOpened);
  std::error_code error;
  if (fs::exists(file, error)) return absl::OkStatus();
  if (!(std::ofstream(file) << "The database here has been opened: it has a write-ahead log.\n").flush()) {
    return absl::InternalError(absl::StrCat("store: cannot write ", file, ": ", strerror(errno)));
  }
  return SyncDirectory(path);
}

absl::StatusOr<int64_t> LogDamage(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return absl::InternalError(absl::StrCat("store: cannot read ", file, ": ", strerror(errno)));
  std::vector<uint8_t> block(kBlock);
  int64_t bad = -1;  // A record that is not whole, while it is not known what follows.
  bool ends_in_zeros = false;
  for (int64_t offset = 0; in; offset += kBlock) {
    in.read(reinterpret_cast<char*>(block.data()), kBlock);
    const int64_t size = in.gcount();
    if (size == 0) break;
    ends_in_zeros = size >= kTail && std::all_of(block.begin() + size - kTail, block.begin() + size,
                                                 [](uint8_t byte) { return byte == 0; });
    if (bad >= 0) {
      if (HasWholeRecord(block.data(), 0, size)) return bad;
      continue;
    }
    for (int64_t at = 0; at + kHeader <= size;) {
      const uint8_t* record = block.data() + at;
      const int64_t length = record[4] + 256 * record[5];
      const int64_t next = at + kHeader + length;
      if (length == 0 && record[6] == 0) return -1;           // Written ahead as zeros.
      if (next > size && size < kBlock) return -1;            // Cut in this record.
      if (next <= size && IsWhole(record, length)) {
        at = next;
        continue;
      }
      if (LacksAPage(record, block.data() + std::min(next, size), offset + at)) return -1;
      bad = offset + at;
      if (next <= size && HasWholeRecord(block.data(), next, size)) return bad;
      break;
    }
  }
  return ends_in_zeros ? -1 : bad;
}

absl::Status CheckFiles(const std::string& path) {
  MIXMATCH_ASSIGN_OR_RETURN(const Listed listed, List(path));
  if (!listed.current) {
    return listed.tables || listed.log_with_data ? Gone(path, "the file CURRENT") : absl::OkStatus();
  }
  if (listed.logs.empty() && listed.opened) return Gone(path, "the write-ahead log");
  for (const std::string& log : listed.logs) {
    MIXMATCH_ASSIGN_OR_RETURN(const int64_t damage, LogDamage(log));
    if (damage < 0) continue;
    return absl::DataLossError(absl::StrCat("store: the write-ahead log ", log, " is damaged at byte ", damage,
                                            "; all acknowledged from there on would be lost; restore the directory "
                                            "from a backup"));
  }
  return absl::OkStatus();
}

}  // namespace mixmatch::index
