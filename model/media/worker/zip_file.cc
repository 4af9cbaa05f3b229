#include "model/media/worker/zip_file.h"

#include <zlib.h>

#include <algorithm>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "proto/base/status_macros.h"

namespace mixmatch::model {
namespace {

constexpr size_t kEndBytes = 22, kEntryBytes = 46, kLocalBytes = 30;
constexpr int64_t kMostComment = 65'535;
constexpr int64_t kMostDirectory = 64 << 20;
constexpr size_t kStep = 64 << 10;

absl::Status Damaged() {
  return absl::InvalidArgumentError(
      "content: got a ZIP archive that is damaged or cut off, wanted a whole document; save or send it again");
}

uint32_t U16(absl::string_view bytes, size_t at) {
  return static_cast<uint8_t>(bytes[at]) | static_cast<uint32_t>(static_cast<uint8_t>(bytes[at + 1])) << 8;
}

uint32_t U32(absl::string_view bytes, size_t at) { return U16(bytes, at) | U16(bytes, at + 2) << 16; }

}  // namespace

absl::StatusOr<ZipFile> ZipFile::Open(const Content& content, const WireRequest& request) {
  ZipFile zip(content, request);
  MIXMATCH_RETURN_IF_ERROR(zip.ReadDirectory());
  return zip;
}

absl::Status ZipFile::ReadDirectory() {
  std::string tail(std::min<int64_t>(content_->size(), kMostComment + kEndBytes), '\0');
  const int64_t tail_at = content_->size() - static_cast<int64_t>(tail.size());
  if (content_->ReadAt(tail_at, tail.data(), tail.size()) != static_cast<int64_t>(tail.size())) return Damaged();
  const size_t end = absl::string_view(tail).rfind(absl::string_view("PK\x05\x06", 4));
  if (end == std::string::npos || tail.size() - end < kEndBytes) return Damaged();
  const int64_t count = U16(tail, end + 10), size = U32(tail, end + 12), at = U32(tail, end + 16);
  if (count > request_->max_archive_entries || size > kMostDirectory) {
    return absl::ResourceExhaustedError(absl::StrCat("content: got a document of ", count, " files, wanted at most ",
                                                     request_->max_archive_entries, " (--max-archive-entries)"));
  }
  if (at + size > tail_at + static_cast<int64_t>(end)) return Damaged();
  std::string directory(size, '\0');
  if (content_->ReadAt(at, directory.data(), directory.size()) != size) return Damaged();
  absl::string_view left = directory;
  for (int64_t i = 0; i < count; ++i) {
    if (left.size() < kEntryBytes || left.substr(0, 4) != absl::string_view("PK\x01\x02", 4)) return Damaged();
    const size_t name = U16(left, 28), whole = kEntryBytes + name + U16(left, 30) + U16(left, 32);
    if (left.size() < whole) return Damaged();
    Entry entry;
    entry.encrypted = (U16(left, 8) & 1) != 0;
    entry.method = static_cast<uint16_t>(U16(left, 10));
    entry.crc = U32(left, 16);
    entry.packed_bytes = U32(left, 20);
    entry.bytes = U32(left, 24);
    entry.position = U32(left, 42);
    entries_.emplace(std::string(left.substr(kEntryBytes, name)), entry);
    left.remove_prefix(whole);
  }
  return absl::OkStatus();
}

absl::Status ZipFile::CheckSize(const Entry& entry) const {
  if (entry.bytes > request_->max_inflated_bytes - inflated_) {
    return absl::ResourceExhaustedError(absl::StrCat("content: got a document that unpacks to more than ",
                                                     request_->max_inflated_bytes,
                                                     " bytes (--max-inflated-bytes); cut it into shorter ones"));
  }
  if (entry.bytes > kFreeBytes && entry.bytes / request_->max_inflate_ratio > entry.packed_bytes) {
    return absl::ResourceExhaustedError(absl::StrCat("content: got a document with a file that unpacks to more than ",
                                                     request_->max_inflate_ratio,
                                                     " times its size (--max-inflate-ratio); save it again"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ZipFile::Read(absl::string_view name) {
  const auto found = entries_.find(name);
  if (found == entries_.end()) return absl::NotFoundError("content: a file is missing in it");
  const Entry& entry = found->second;
  if (entry.encrypted) {
    return absl::InvalidArgumentError("content: got an encrypted document, wanted one that opens without a password");
  }
  MIXMATCH_RETURN_IF_ERROR(CheckSize(entry));
  std::string local(kLocalBytes, '\0');
  if (content_->ReadAt(entry.position, local.data(), local.size()) != static_cast<int64_t>(local.size()) ||
      local.substr(0, 4) != absl::string_view("PK\x03\x04", 4)) {
    return Damaged();
  }
  const int64_t position = entry.position + static_cast<int64_t>(kLocalBytes + U16(local, 26) + U16(local, 28));
  if (entry.packed_bytes > content_->size() - position) return Damaged();
  inflated_ += entry.bytes;
  MIXMATCH_ASSIGN_OR_RETURN(std::string bytes, Inflated(entry, position));
  const auto* data = reinterpret_cast<const Bytef*>(bytes.data());
  if (crc32_z(0, data, bytes.size()) != entry.crc) return Damaged();
  return bytes;
}

absl::StatusOr<std::string> ZipFile::Inflated(const Entry& entry, int64_t position) const {
  std::string bytes(entry.bytes, '\0');
  if (entry.method == 0) {
    if (entry.bytes != entry.packed_bytes || content_->ReadAt(position, bytes.data(), bytes.size()) != entry.bytes) {
      return Damaged();
    }
    return bytes;
  }
  if (entry.method != Z_DEFLATED) {
    return absl::UnimplementedError(absl::StrCat("content: got a ZIP archive packed by method ", entry.method,
                                                 ", wanted stored or deflated files; save it again"));
  }
  z_stream stream = {};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return absl::ResourceExhaustedError("content: no memory to unpack it");
  const absl::Cleanup end_it = [&stream] { inflateEnd(&stream); };
  // One byte more than there should be shows that there is more.
  std::string packed(std::min<int64_t>(kStep, entry.packed_bytes), '\0');
  char beyond;
  int64_t read = 0;
  stream.next_out = reinterpret_cast<Bytef*>(bytes.data());
  stream.avail_out = static_cast<uInt>(bytes.size());
  bool past_end = bytes.empty();
  if (past_end) {
    stream.next_out = reinterpret_cast<Bytef*>(&beyond);
    stream.avail_out = 1;
  }
  while (true) {
    if (stream.avail_in == 0) {
      const int64_t some = std::min<int64_t>(static_cast<int64_t>(packed.size()), entry.packed_bytes - read);
      if (some == 0 || content_->ReadAt(position + read, packed.data(), some) != some) return Damaged();
      read += some;
      stream.next_in = reinterpret_cast<Bytef*>(packed.data());
      stream.avail_in = static_cast<uInt>(some);
    }
    const int result = inflate(&stream, Z_NO_FLUSH);
    if (result == Z_STREAM_END) break;
    if (result != Z_OK && result != Z_BUF_ERROR) return Damaged();
    if (stream.avail_out > 0) continue;
    if (past_end) return Damaged();
    past_end = true;
    stream.next_out = reinterpret_cast<Bytef*>(&beyond);
    stream.avail_out = 1;
  }
  if (static_cast<int64_t>(stream.total_out) != entry.bytes) return Damaged();
  return bytes;
}

}  // namespace mixmatch::model
