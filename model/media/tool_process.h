// Converters of others (PDF tools): each call a process of its own, with limits, that reads stdin and writes stdout.
#ifndef MIXMATCH_MODEL_MEDIA_TOOL_PROCESS_H_
#define MIXMATCH_MODEL_MEDIA_TOOL_PROCESS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace mixmatch::model {

struct ToolLimits {
  int64_t max_memory_bytes = 1LL << 30;  // Address space.
  int max_cpu_seconds = 60;
  int64_t max_output_bytes = 64LL << 20;
  absl::Time deadline = absl::InfiniteFuture();
};

struct ToolEnd {
  int64_t output_bytes = 0;
  int exit_code = 0;       // 128 + N if signal N ended it.
  std::string last_words;  // Of its stderr, at most 4 KiB. May quote the file: not for logs.
};

// Runs `program` (an absolute path) by `launcher`, the mixmatch-tool program, with `content` from its beginning as
// stdin, and appends what it writes to `output`. Blocks. UNIMPLEMENTED if there is no such program. RESOURCE_EXHAUSTED
// beyond the output or the deadline; the process is gone then. Another exit code than 0 is the caller's to judge.
absl::StatusOr<ToolEnd> RunTool(const std::string& launcher, const std::string& program,
                                const std::vector<std::string>& arguments, int content, int output,
                                const ToolLimits& limits);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_TOOL_PROCESS_H_
