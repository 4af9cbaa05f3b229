// Content in a file that only this process has: what a decoder reads.
#ifndef MIXMATCH_SERVER_SPOOL_H_
#define MIXMATCH_SERVER_SPOOL_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace mixmatch::server {

// In memory up to 64 MiB, else a nameless file in `directory`. Owns its descriptor.
class Spool {
 public:
  // `expected_bytes` chooses where. INTERNAL when no file can be made.
  static absl::StatusOr<Spool> Create(const std::string& directory, int64_t expected_bytes);
  Spool(Spool&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Spool& operator=(Spool&&) = delete;
  ~Spool();

  // RESOURCE_EXHAUSTED when the disk is full.
  absl::Status Append(absl::string_view bytes);
  int fd() const { return fd_; }

 private:
  explicit Spool(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_SPOOL_H_
