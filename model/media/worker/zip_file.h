// ZIP archives: the files of an Office document, an OpenDocument or an EPUB, read by name.
#ifndef MIXMATCH_MODEL_MEDIA_WORKER_ZIP_FILE_H_
#define MIXMATCH_MODEL_MEDIA_WORKER_ZIP_FILE_H_

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "model/media/wire.h"
#include "model/media/worker/content.h"

namespace mixmatch::model {

// Entries that are stored or deflated (APPNOTE.TXT 6.3.10), with ZIP64 fields or without. What was read counts together,
// so that entries that share bytes, or are asked for again, do not add up to more than request.max_inflated_bytes. Nothing
// in an archive is opened as an archive again.
class ZipFile {
 public:
  // `content` and `request` must outlive it. INVALID_ARGUMENT if the archive is cut off or its directory is damaged;
  // RESOURCE_EXHAUSTED beyond request.max_archive_entries.
  static absl::StatusOr<ZipFile> Open(const Content& content, const WireRequest& request);

  bool Has(absl::string_view name) const { return entries_.find(name) != entries_.end(); }

  // NOT_FOUND if no entry has that name. INVALID_ARGUMENT if it is encrypted or damaged; RESOURCE_EXHAUSTED beyond
  // max_inflated_bytes, or where more than kFreeBytes are more than max_inflate_ratio times as large as in the archive.
  absl::StatusOr<std::string> Read(absl::string_view name);

 private:
  static constexpr int64_t kFreeBytes = 1 << 20;

  struct Entry {
    uint16_t method = 0;
    bool encrypted = false;
    uint32_t crc = 0;
    int64_t packed_bytes = 0;
    int64_t bytes = 0;
    int64_t position = 0;  // Of its local header.
  };

  ZipFile(const Content& content, const WireRequest& request) : content_(&content), request_(&request) {}
  struct Directory {
    int64_t count = 0, bytes = 0, position = 0;
    int64_t end = 0;  // Where it must have ended.
  };
  absl::StatusOr<Directory> FindDirectory() const;
  absl::Status FindDirectory64(int64_t end, Directory* directory) const;
  absl::Status ReadDirectory();
  absl::Status CheckSize(const Entry& entry) const;
  absl::StatusOr<std::string> Inflated(const Entry& entry, int64_t position) const;

  const Content* content_;
  const WireRequest* request_;
  std::map<std::string, Entry, std::less<>> entries_;
  int64_t inflated_ = 0;
};

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_WORKER_ZIP_FILE_H_
