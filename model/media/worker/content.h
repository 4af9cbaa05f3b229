// The bytes of one item, read by position from its descriptor.
#ifndef MIXMATCH_MODEL_MEDIA_WORKER_CONTENT_H_
#define MIXMATCH_MODEL_MEDIA_WORKER_CONTENT_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace mixmatch::model {

// Owns the descriptor.
class Content {
 public:
  // INVALID_ARGUMENT if `fd` is no regular file or is empty.
  static absl::StatusOr<Content> Take(int fd);
  Content(Content&& other) noexcept;
  ~Content();

  int64_t size() const { return size_; }
  const std::string& head() const { return head_; }  // Its first bytes, at most 4096.

  // Up to `size` bytes at `position`; 0 at the end, -1 if the file cannot be read.
  int64_t ReadAt(int64_t position, void* data, size_t size) const;

  // Everything. RESOURCE_EXHAUSTED if that is more than `max_bytes`, called `what` in the message.
  absl::StatusOr<std::string> ReadEverything(int64_t max_bytes, const char* what) const;

 private:
  Content(int fd, int64_t size) : fd_(fd), size_(size) {}

  int fd_;
  int64_t size_;
  std::string head_;
};

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_WORKER_CONTENT_H_
