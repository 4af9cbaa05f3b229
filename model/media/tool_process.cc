#include "model/media/tool_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "proto/base/status_macros.h"

namespace mixmatch::model {
namespace {

constexpr size_t kLastWords = 4096;

// A descriptor that is closed at the end.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  ~Descriptor() { Close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  void Reset(int fd) {
    Close();
    fd_ = fd;
  }
  void Close() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
};

absl::Status MakePipe(Descriptor* reading, Descriptor* writing) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return absl::InternalError(absl::StrCat("tool: no pipe: ", strerror(errno)));
  reading->Reset(ends[0]);
  writing->Reset(ends[1]);
  return absl::OkStatus();
}

// A process that is killed at the end if it has not ended.
class Child {
 public:
  ~Child() {
    if (pid_ > 0) kill(-pid_, SIGKILL);
    Wait();
  }

  int Spawn(std::vector<std::string> words, int in, int out, int err) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in, 0);
    posix_spawn_file_actions_adddup2(&actions, out, 1);
    posix_spawn_file_actions_adddup2(&actions, err, 2);
    posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    char* environment[] = {nullptr};
    const int error = posix_spawn(&pid_, argv[0], &actions, &attributes, argv.data(), environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) pid_ = -1;
    return error;
  }

  int Wait() {
    int status = 0;
    while (pid_ > 0 && waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }

 private:
  pid_t pid_ = -1;
};

bool WriteFully(int fd, const char* data, size_t size) {
  while (size > 0) {
    const ssize_t written = write(fd, data, size);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    data += written;
    size -= static_cast<size_t>(written);
  }
  return true;
}

// Reads both pipes to their ends.
absl::Status Drain(int out, int err, int output, const ToolLimits& limits, ToolEnd* end) {
  pollfd polls[2] = {{out, POLLIN, 0}, {err, POLLIN, 0}};
  std::string buffer(1 << 16, '\0');
  while (polls[0].fd >= 0 || polls[1].fd >= 0) {
    const absl::Duration left = limits.deadline - absl::Now();
    if (left <= absl::ZeroDuration()) return absl::ResourceExhaustedError("content: converting it took too long");
    const int milliseconds = static_cast<int>(std::min<int64_t>(absl::ToInt64Milliseconds(left) + 1, 1'000));
    if (poll(polls, 2, milliseconds) < 0 && errno != EINTR) return absl::InternalError("tool: poll");
    for (pollfd& one : polls) {
      if (one.fd < 0 || one.revents == 0) continue;
      const ssize_t got = read(one.fd, buffer.data(), buffer.size());
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) {
        one.fd = -1;
      } else if (&one == &polls[1]) {
        end->last_words.append(buffer, 0,
                               std::min<size_t>(got, kLastWords - std::min(kLastWords, end->last_words.size())));
      } else if ((end->output_bytes += got) > limits.max_output_bytes) {
        return absl::ResourceExhaustedError(absl::StrCat("content: converting it gave more than ",
                                                         limits.max_output_bytes, " bytes; send it in shorter pieces"));
      } else if (!WriteFully(output, buffer.data(), static_cast<size_t>(got))) {
        return absl::InternalError(absl::StrCat("tool: cannot keep its output: ", strerror(errno)));
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ToolEnd> RunTool(const std::string& launcher, const std::string& program,
                                const std::vector<std::string>& arguments, int content, int output,
                                const ToolLimits& limits) {
  if (access(program.c_str(), X_OK) != 0) {
    return absl::UnimplementedError(
        absl::StrCat("content: the server's machine lacks ", program, ", which reads such files"));
  }
  // A file of its own to read from the beginning, that cannot be written.
  const Descriptor in(open(absl::StrCat("/proc/self/fd/", content).c_str(), O_RDONLY | O_CLOEXEC));
  if (in.get() < 0) return absl::InternalError(absl::StrCat("tool: cannot open the content again: ", strerror(errno)));
  Descriptor out, out_end, err, err_end;
  MIXMATCH_RETURN_IF_ERROR(MakePipe(&out, &out_end));
  MIXMATCH_RETURN_IF_ERROR(MakePipe(&err, &err_end));
  std::vector<std::string> words = {launcher, absl::StrCat(limits.max_memory_bytes),
                                    absl::StrCat(limits.max_cpu_seconds), absl::StrCat(getpid()), program};
  words.insert(words.end(), arguments.begin(), arguments.end());
  Child child;
  if (const int error = child.Spawn(std::move(words), in.get(), out_end.get(), err_end.get()); error != 0) {
    return absl::InternalError(absl::StrCat("tool: cannot start ", launcher, ": ", strerror(error)));
  }
  out_end.Close();
  err_end.Close();
  ToolEnd end;
  MIXMATCH_RETURN_IF_ERROR(Drain(out.get(), err.get(), output, limits, &end));
  end.exit_code = child.Wait();
  return end;
}

}  // namespace mixmatch::model
