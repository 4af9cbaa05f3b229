#include "model/media/worker/zip_file.h"

#include <zlib.h>

#include <algorithm>
#include <initializer_list>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "proto/base/status_macros.h"

namespace mixmatch::model {
namespace {

constexpr size_t kEndBytes = 22, kEntryBytes = 46, kLocalBytes = 30;
constexpr int64_t kEnd64Bytes = 56, kLocator64Bytes = 20;
constexpr int64_t kIn64Short = 0xffff, kIn64 = 0xffffffff;  // "See the ZIP64 field".
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

int64_t I64(absl::string_view bytes, size_t at) {
  return static_cast<int64_t>(U32(bytes, at) | static_cast<uint64_t>(U32(bytes, at + 4)) << 32);
}

// Reads those of the values that say so from the ZIP64 field among an entry's extra fields. False if it is cut.
bool Widen(absl::string_view extra, std::initializer_list<int64_t*> values) {
  while (extra.size() >= 4) {
    const uint32_t id = U16(extra, 0), size = U16(extra, 2);
    extra.remove_prefix(4);
    if (size > extra.size()) return true;  // Padding of careless writers.
    absl::string_view field = extra.substr(0, size);
    extra.remove_prefix(size);
    if (id != 1) continue;
    for (int64_t* value : values) {
      if (*value != kIn64) continue;
      if (field.size() < 8) return false;
      *value = I64(field, 0);
      field.remove_prefix(8);
    }
    return true;
  }
  return true;
}

}  // namespace

absl::StatusOr<ZipFile> ZipFile::Open(const Content& content, const WireRequest& request) {
  ZipFile zip(content, request);
  MIXMATCH_RETURN_IF_ERROR(zip.ReadDirectory());
  return zip;
}

absl::StatusOr<ZipFile::Directory> ZipFile::FindDirectory() const {
  std::string tail(std::min<int64_t>(content_->size(), kMostComment + kEndBytes), '\0');
  const int64_t tail_at = content_->size() - static_cast<int64_t>(tail.size());
  if (content_->ReadAt(tail_at, tail.data(), tail.size()) != static_cast<int64_t>(tail.size())) return Damaged();
  const size_t end = absl::string_view(tail).rfind(absl::string_view("PK\x05\x06", 4));
  if (end == std::string::npos || tail.size() - end < kEndBytes) return Damaged();
  Directory directory = {U16(tail, end + 10), U32(tail, end + 12), U32(tail, end + 16), tail_at + static_cast<int64_t>(end)};
  if (directory.count == kIn64Short || directory.bytes == kIn64 || directory.position == kIn64) {
    MIXMATCH_RETURN_IF_ERROR(FindDirectory64(directory.end, &directory));
  }
  return directory;
}

// Where a ZIP64 record stands before the usual end at `end`; without one, what was read stays as it is.
absl::Status ZipFile::FindDirectory64(int64_t end, Directory* directory) const {
  std::string locator(kLocator64Bytes, '\0'), record(kEnd64Bytes, '\0');
  const int64_t locator_at = end - static_cast<int64_t>(locator.size());
  if (locator_at < 0 || content_->ReadAt(locator_at, locator.data(), locator.size()) != kLocator64Bytes ||
      locator.substr(0, 4) != absl::string_view("PK\x06\x07", 4)) {
    return absl::OkStatus();
  }
  const int64_t record_at = I64(locator, 8);
  if (record_at < 0 || record_at > locator_at - kEnd64Bytes ||
      content_->ReadAt(record_at, record.data(), record.size()) != kEnd64Bytes ||
      record.substr(0, 4) != absl::string_view("PK\x06\x06", 4)) {
    return Damaged();
  }
  *directory = {I64(record, 32), I64(record, 40), I64(record, 48), record_at};
  return absl::OkStatus();
}

absl::Status ZipFile::ReadDirectory() {
  MIXMATCH_ASSIGN_OR_RETURN(const Directory place, FindDirectory());
  if (place.count < 0 || place.bytes < 0 || place.position < 0) return Damaged();
  if (place.count > request_->max_archive_entries || place.bytes > kMostDirectory) {
    return absl::ResourceExhaustedError(absl::StrCat("content: got a document of ", place.count, " files, wanted at most ",
                                                     request_->max_archive_entries, " (--max-archive-entries)"));
  }
  if (place.position > place.end - place.bytes) return Damaged();
  std::string directory(place.bytes, '\0');
  if (content_->ReadAt(place.position, directory.data(), directory.size()) != place.bytes) return Damaged();
  absl::string_view left = directory;
  for (int64_t i = 0; i < place.count; ++i) {
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
    if (!Widen(left.substr(kEntryBytes + name, U16(left, 30)), {&entry.bytes, &entry.packed_bytes, &entry.position})) {
      return Damaged();
    }
    if (entry.packed_bytes < 0 || entry.bytes < 0 || entry.position < 0 || entry.position > content_->size()) return Damaged();
    entries_.emplace(std::string(left.substr(kEntryBytes, name)), entry);
    left.remove_prefix(whole);
  }
  return absl::OkStatus();
}

absl::Status ZipFile::CheckSize(const Entry& entry) const {
  // zlib counts in 32 bits.
  if (entry.bytes > std::min<int64_t>(request_->max_inflated_bytes - inflated_, UINT32_MAX)) {
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
