// Bytes of a stranger, all the way: sniffed and decoded as in a decoding process, its answer read as the server reads
// it, cut into parts and described. The first byte chooses the hint.
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <thread>

#include "absl/time/clock.h"
#include "model/media/response_reader.h"
#include "model/media/wire_request.h"
#include "model/media/worker/decode.h"
#include "model/parts/parts.h"
#include "tests/fuzz/target.h"

namespace mixmatch::model {
namespace {

constexpr const char* kHints[] = {"",          "text/plain",    "image/png", "audio/ogg",
                                  "video/mp4", "text/markdown", "text/csv",  "application/pdf"};

// Small, so that a run tries much.
MediaLimits Limits() {
  MediaLimits limits;
  limits.max_pixels = 1 << 20;
  limits.max_seconds = 20.0;
  limits.max_text_bytes = 1 << 20;
  limits.max_frames = 64;
  limits.frame_side = 32;
  limits.image_side = 64;
  return limits;
}

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

void TryBytes(const uint8_t* data, size_t size) {
  if (size < 2) return;
  const MediaLimits limits = Limits();
  WireRequest request = RequestOf(limits, kHints[data[0] % (sizeof(kHints) / sizeof(kHints[0]))]);
  request.read_words = static_cast<int32_t>(ReadWords::kAll);
  int ends[2];
  const int content = memfd_create("fuzz", 0);
  if (content < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0 ||
      write(content, data + 1, size - 1) != static_cast<ssize_t>(size - 1)) {
    std::abort();
  }
  std::thread worker(Decode, content, ends[1], request);
  WorkerReply reply = ReadResponse(ends[0], limits, absl::Now() + absl::Seconds(60));
  // A decoder that was not taken over never breaks the framing.
  if (!reply.worker_is_sound) std::abort();
  worker.join();
  close(ends[0]);
  if (reply.media.ok()) (void)MakeParts(*reply.media).status();
}

}  // namespace
}  // namespace mixmatch::model

// What font libraries keep for the life of a process.
extern "C" const char* __lsan_default_suppressions() { return "leak:libfontconfig\nleak:libpango\nleak:libglib\n"; }

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  mixmatch::model::TryBytes(data, size);
  return 0;
}
