// Who did what, as lines of JSON in a file.
#ifndef MIXMATCH_SERVER_ACCESS_AUDIT_LOG_H_
#define MIXMATCH_SERVER_ACCESS_AUDIT_LOG_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/access/token_bucket.h"
#include "server/rpc/front_door.h"

namespace mixmatch::server {

// A line (storage.v1.AuditLine) for each call that changes something, each that only administrators may make, and each
// that was refused for who made it or how much: of the last at most 50 a second, and how many were left out. Never
// content, names, metadata or secrets. A line is written, not synced, before the call's answer goes out. Thread-safe.
class AuditLog final : public CallObserver {
 public:
  // Appends to the file, made for its owner alone. FAILED_PRECONDITION: it cannot be opened.
  static absl::StatusOr<std::unique_ptr<AuditLog>> Open(const std::string& path);
  ~AuditLog() override;

  void Ended(const Call& call, const absl::Status& status, absl::Duration took) override;

  // Opens the path again, after the file was moved away. On failure the old file goes on being written, with a warning.
  void Reopen();

 private:
  AuditLog(std::string path, int file) : path_(std::move(path)), file_(file) {}
  // False: this refusal is one too many to be written.
  bool HasRoom(absl::Time now, uint64_t& left_out);

  const std::string path_;
  absl::Mutex mutex_;
  int file_ ABSL_GUARDED_BY(mutex_);
  bool failing_ ABSL_GUARDED_BY(mutex_) = false;  // The last line could not be written.
  TokenBucket refusals_ ABSL_GUARDED_BY(mutex_);
  uint64_t left_out_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_ACCESS_AUDIT_LOG_H_
