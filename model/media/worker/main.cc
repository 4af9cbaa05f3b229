// mixmatch-decoder MAX_MEMORY_BYTES PARENT_PID: decodes items for MediaDecoder, one at a time, in a sandbox.
#include <stdio.h>
#include <stdlib.h>

#include <new>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "model/media/wire.h"
#include "model/media/worker/decode.h"
#include "model/media/worker/ffmpeg.h"
#include "model/media/worker/response_writer.h"
#include "model/media/worker/sandbox.h"
#include "model/media/worker/svg.h"

namespace mixmatch::model {
namespace {

void Answer(int fd, const WireRequest& request, ResponseWriter* writer) {
  absl::Status status;
  try {
    status = DecodeContent(fd, request, writer);
  } catch (const std::bad_alloc&) {
    status = absl::ResourceExhaustedError("content: took all the memory of a decoder; send a smaller item");
  }
  if (!status.ok()) writer->Error(status);
  writer->Flush();  // Last, so that nothing of the item is left open when the server hears the end.
}

int Run(int64_t max_memory_bytes, int parent) {
  if (absl::Status limited = LimitProcess(max_memory_bytes, parent); !limited.ok()) {
    fprintf(stderr, "mixmatch-decoder: %s\n", limited.ToString().c_str());
    return 1;
  }
  av_log_set_level(AV_LOG_QUIET);
  WarmSvg();
  if (absl::Status entered = EnterSandbox(); !entered.ok()) {
    fprintf(stderr, "mixmatch-decoder: goes on without a system call filter: %s\n", entered.ToString().c_str());
  }
  ResponseWriter writer(kWorkerSocket);
  while (true) {
    WireRequest request;
    int content;
    const absl::Status received = ReceiveRequest(kWorkerSocket, &request, &content);
    if (!received.ok()) return absl::IsOutOfRange(received) ? 0 : 1;
    Answer(content, request, &writer);
  }
}

}  // namespace
}  // namespace mixmatch::model

int main(int argc, char** argv) {
  int64_t max_memory_bytes = 0;
  int parent = 0;
  if (argc != 3 || !absl::SimpleAtoi(argv[1], &max_memory_bytes) || !absl::SimpleAtoi(argv[2], &parent)) {
    fputs("mixmatch-decoder is started by mixmatchd; usage: mixmatch-decoder MAX_MEMORY_BYTES PARENT_PID\n", stderr);
    return 2;
  }
  return mixmatch::model::Run(max_memory_bytes, parent);
}
