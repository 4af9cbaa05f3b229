// The bytes of one item, read by position from its descriptor.
#ifndef MIXMATCH_MODEL_MEDIA_WORKER_CONTENT_H_
#define MIXMATCH_MODEL_MEDIA_WORKER_CONTENT_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace mixmatch::model {

// Owns the descriptor, or the bytes.
class Content {
 public:
  // INVALID_ARGUMENT if `fd` is no regular file or is empty.
  static absl::StatusOr<Content> Take(int fd);
  // Of a live stream: `fd` is a pipe. Waits for its first bytes. INVALID_ARGUMENT if there are none.
  static absl::StatusOr<Content> TakePipe(int fd);
  // Of bytes that are in memory already, such as a picture in a document. INVALID_ARGUMENT if there are none.
  static absl::StatusOr<Content> OfBytes(std::string bytes);
  Content(Content&& other) noexcept;
  ~Content();

  bool live() const { return live_; }
  int64_t size() const { return size_; }          // -1 of a live stream.
  const std::string& head() const { return head_; }  // Its first bytes, at most 4096.

  // Up to `size` bytes at `position`; 0 at the end, -1 if the file cannot be read.
  int64_t ReadAt(int64_t position, void* data, size_t size) const;

  // Of a live stream: the next bytes, at least one and at most `size`, when they are there; 0 at the end.
  int64_t ReadNext(void* data, size_t size);

  // Everything. RESOURCE_EXHAUSTED if that is more than `max_bytes`, called `what` in the message.
  absl::StatusOr<std::string> ReadEverything(int64_t max_bytes, const char* what) const;

 private:
  Content(int fd, int64_t size) : fd_(fd), size_(size) {}

  int fd_;  // -1: the content is in bytes_.
  std::string bytes_;
  int64_t size_;
  std::string head_;
  bool live_ = false;
  size_t told_ = 0;  // Of the head, by ReadNext.
};

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_WORKER_CONTENT_H_
