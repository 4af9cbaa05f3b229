// What a worker gives up before it looks at a stranger's bytes.
#ifndef MIXMATCH_MODEL_MEDIA_WORKER_SANDBOX_H_
#define MIXMATCH_MODEL_MEDIA_WORKER_SANDBOX_H_

#include <cstdint>

#include "absl/status/status.h"

namespace mixmatch::model {

// Limits address space, descriptors, core and file size; forbids new privileges; lets searches go first; dies with
// the starting thread of `parent`. The first thing a worker does.
absl::Status LimitProcess(int64_t max_memory_bytes, int parent);

// From here on the process reads and writes descriptors that it has or receives, and asks for memory; no path, no
// network, no new process, no new code: those calls fail with EACCES. For all threads. UNAVAILABLE where the kernel has no seccomp.
absl::Status EnterSandbox();

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_WORKER_SANDBOX_H_
