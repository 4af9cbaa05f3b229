// What a decoder that was taken over may say: the reader must not believe it.
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <thread>

#include "absl/time/clock.h"
#include "model/media/response_reader.h"
#include "model/parts/parts.h"
#include "tests/fuzz/target.h"

namespace mixmatch::model {
namespace {

void Say(int socket, const uint8_t* data, size_t size) {
  while (size > 0) {
    const ssize_t sent = send(socket, data, size, MSG_NOSIGNAL);
    if (sent <= 0) break;
    data += sent;
    size -= static_cast<size_t>(sent);
  }
  shutdown(socket, SHUT_WR);
}

void TryBytes(const uint8_t* data, size_t size) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) std::abort();
  std::thread worker(Say, ends[1], data, size);
  MediaLimits limits;
  limits.max_text_bytes = 1 << 16;
  limits.max_seconds = 5.0;
  limits.max_frames = 16;
  const WorkerReply reply = ReadResponse(ends[0], limits, absl::Now() + absl::Seconds(60));
  close(ends[0]);
  worker.join();
  close(ends[1]);
  if (reply.media.ok()) (void)MakeParts(*reply.media).status();
}

}  // namespace
}  // namespace mixmatch::model

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  mixmatch::model::TryBytes(data, size);
  return 0;
}
