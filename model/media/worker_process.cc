#include "model/media/worker_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "model/media/wire.h"

namespace mixmatch::model {
namespace {

constexpr int kSocketBuffer = 1 << 20;  // Bytes; lets a whole small item cross in one turn.

// posix_spawn of `path` with `theirs` as kWorkerSocket; an errno.
int Spawn(const std::string& path, int64_t max_memory_bytes, int theirs, pid_t* pid) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, theirs, kWorkerSocket);
  posix_spawn_file_actions_addclosefrom_np(&actions, kWorkerSocket + 1);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  std::string name = path;
  std::string memory = absl::StrCat(max_memory_bytes);
  std::string parent = absl::StrCat(getpid());
  char* argv[] = {name.data(), memory.data(), parent.data(), nullptr};
  char* environment[] = {nullptr};
  const int error = posix_spawn(pid, path.c_str(), &actions, &attributes, argv, environment);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return error;
}

}  // namespace

absl::StatusOr<std::unique_ptr<WorkerProcess>> WorkerProcess::Start(const std::string& path,
                                                                    int64_t max_memory_bytes) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return absl::InternalError(absl::StrCat("decoder worker: no socket: ", strerror(errno)));
  }
  for (int end : ends) setsockopt(end, SOL_SOCKET, SO_SNDBUF, &kSocketBuffer, sizeof(kSocketBuffer));
  if (ends[1] == kWorkerSocket) {  // dup2 onto itself would keep the close-on-exec flag.
    ends[1] = fcntl(kWorkerSocket, F_DUPFD_CLOEXEC, kWorkerSocket + 1);
    close(kWorkerSocket);
  }
  pid_t pid = -1;
  const int error = Spawn(path, max_memory_bytes, ends[1], &pid);
  close(ends[1]);
  if (error != 0) {
    close(ends[0]);
    return absl::InternalError(absl::StrCat("decoder worker: cannot start ", path, ": ", strerror(error)));
  }
  return absl::WrapUnique(new WorkerProcess(pid, ends[0]));
}

WorkerProcess::~WorkerProcess() {
  int signal;
  Bury(&signal);
  close(socket_);
}

void WorkerProcess::BeginItem() {
  clockid_t clock;
  timespec used;
  if (pid_ > 0 && clock_getcpuclockid(pid_, &clock) == 0 && clock_gettime(clock, &used) == 0) {
    used_cpu_seconds_ = used.tv_sec + used.tv_nsec * 1e-9;
  }
}

// From outside: the process itself may not call prlimit.
void WorkerProcess::AllowCpu(double seconds) {
  const auto most = static_cast<rlim_t>(std::ceil(used_cpu_seconds_ + std::max(seconds, 0.0)));
  const rlimit limit = {std::max<rlim_t>(most, 1), RLIM_INFINITY};
  if (pid_ > 0) prlimit(pid_, RLIMIT_CPU, &limit, nullptr);
}

std::string WorkerProcess::Bury(int* signal) {
  *signal = 0;
  if (pid_ < 0) return "gone";
  kill(pid_, SIGKILL);
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  if (WIFSIGNALED(status)) {
    *signal = WTERMSIG(status);
    return absl::StrCat("signal ", *signal, " (", strsignal(*signal), ")");
  }
  return absl::StrCat("exit ", WEXITSTATUS(status));
}

}  // namespace mixmatch::model
