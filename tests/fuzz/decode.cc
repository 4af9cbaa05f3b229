#include "tests/fuzz/decode.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <new>
#include <thread>

#include "absl/time/clock.h"
#include "model/media/response_reader.h"
#include "model/media/worker/decode.h"
#include "model/parts/parts.h"

// What font libraries keep for the life of a process.
extern "C" const char* __lsan_default_suppressions() { return "leak:libfontconfig\nleak:libpango\nleak:libglib\n"; }

namespace mixmatch::model {
namespace {

void Decode(int content, int socket, const WireRequest& request) {
  ResponseWriter writer(socket);
  absl::Status status;
  try {
    status = DecodeContent(content, request, &writer);
  } catch (const std::bad_alloc&) {
    status = absl::ResourceExhaustedError("memory");
  }
  if (!status.ok()) writer.Error(status);
  writer.Flush();
  close(socket);
}

}  // namespace

MediaLimits SmallLimits() {
  MediaLimits limits;
  limits.max_pixels = 1 << 20;
  limits.max_seconds = 20.0;
  limits.max_text_bytes = 1 << 20;
  limits.max_frames = 64;
  limits.frame_side = 32;
  limits.image_side = 64;
  return limits;
}

void DecodeAndCut(absl::string_view content, const WireRequest& request) {
  int ends[2];
  const int file = memfd_create("fuzz", 0);
  if (file < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0 ||
      write(file, content.data(), content.size()) != static_cast<ssize_t>(content.size())) {
    std::abort();
  }
  std::thread worker(Decode, file, ends[1], request);
  const WorkerReply reply = ReadResponse(ends[0], SmallLimits(), absl::Now() + absl::Seconds(60));
  if (!reply.worker_is_sound) std::abort();
  worker.join();
  close(ends[0]);
  if (reply.media.ok()) (void)MakeParts(*reply.media).status();
}

}  // namespace mixmatch::model
