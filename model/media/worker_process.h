// One worker program: its process and the socket to it.
#ifndef MIXMATCH_MODEL_MEDIA_WORKER_PROCESS_H_
#define MIXMATCH_MODEL_MEDIA_WORKER_PROCESS_H_

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace mixmatch::model {

// Killed and reaped by the destructor. Not thread-safe.
class WorkerProcess {
 public:
  // Starts `path` with an empty environment and no descriptors but /dev/null, stderr and the socket.
  // The worker dies with the calling thread (PR_SET_PDEATHSIG), so that must live as long as the worker is wanted.
  static absl::StatusOr<std::unique_ptr<WorkerProcess>> Start(const std::string& path, int64_t max_memory_bytes);
  ~WorkerProcess();
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;

  int socket() const { return socket_; }
  pid_t pid() const { return pid_; }  // -1 once buried.

  // Lets it use `seconds` of CPU time more than it had used by the last BeginItem(); beyond that SIGXCPU ends it.
  void BeginItem();
  void AllowCpu(double seconds);

  // Kills the process and says how it had ended before that, e.g. "signal 9 (Killed)" or "exit 1".
  // `*signal` is the signal that ended it, or 0.
  std::string Bury(int* signal);

 private:
  WorkerProcess(pid_t pid, int socket) : pid_(pid), socket_(socket) {}

  pid_t pid_;
  int socket_;
  double used_cpu_seconds_ = 0.0;  // Before this item.
};

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_WORKER_PROCESS_H_
