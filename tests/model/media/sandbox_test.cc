#include "model/media/worker/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <thread>

namespace mixmatch::model {
namespace {

constexpr int kNoSeccomp = 77;
constexpr int64_t kMemory = int64_t{1} << 40;  // Sanitizers reserve terabytes; the limit has a test of its own.

// Exit status of a child that enters the sandbox and returns whether `attempt` failed as it should: 0 if so.
int InSandbox(const std::function<bool()>& attempt) {
  const int parent = getpid();
  const pid_t child = fork();
  if (child == 0) {
    if (!LimitProcess(kMemory, parent).ok()) _exit(2);
    if (!EnterSandbox().ok()) _exit(kNoSeccomp);
    _exit(attempt() ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

bool Denied(int64_t result) { return result == -1 && errno == EACCES; }

#define EXPECT_IN_SANDBOX(...)                                             \
  const int status = InSandbox(__VA_ARGS__);                               \
  if (status == kNoSeccomp) GTEST_SKIP() << "this kernel has no seccomp";  \
  EXPECT_EQ(status, 0)

TEST(SandboxTest, NoFileCanBeOpenedEvenToRead) {
  EXPECT_IN_SANDBOX([] { return Denied(open("/etc/passwd", O_RDONLY)) && Denied(open("/tmp/x", O_CREAT | O_RDWR, 0600)); });
}

TEST(SandboxTest, NoSocketCanBeMade) {
  EXPECT_IN_SANDBOX([] { return Denied(socket(AF_INET, SOCK_STREAM, 0)) && Denied(socket(AF_UNIX, SOCK_STREAM, 0)); });
}

TEST(SandboxTest, NoProcessCanBeStarted) {
  EXPECT_IN_SANDBOX([] {
    char* none[] = {nullptr};
    return Denied(fork()) && Denied(execve("/bin/true", none, none));
  });
}

TEST(SandboxTest, NoMemoryCanBeMadeCode) {
  EXPECT_IN_SANDBOX([] {
    void* code = mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return code == MAP_FAILED && errno == EACCES;
  });
}

TEST(SandboxTest, LimitsCannotBeRaised) {
  EXPECT_IN_SANDBOX([] {
    const rlimit more = {1 << 20, 1 << 20};
    return Denied(setrlimit(RLIMIT_FSIZE, &more));
  });
}

TEST(SandboxTest, ThreadsOfLibrariesStillStartAndAreInIt) {
  EXPECT_IN_SANDBOX([] {
    bool denied = false;
    std::thread([&] { denied = Denied(open("/etc/passwd", O_RDONLY)); }).join();
    return denied;
  });
}

TEST(SandboxTest, ThreadsStartedBeforeAreInItToo) {
  const int parent = getpid();
  const pid_t child = fork();
  if (child == 0) {
    int gate[2];
    if (pipe(gate) != 0 || !LimitProcess(kMemory, parent).ok()) _exit(2);
    bool denied = false;
    std::thread early([&] {
      char go;
      if (read(gate[0], &go, 1) == 1) denied = Denied(open("/etc/passwd", O_RDONLY));
    });
    if (!EnterSandbox().ok()) _exit(kNoSeccomp);
    if (write(gate[1], "x", 1) != 1) _exit(2);
    early.join();
    _exit(denied ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == kNoSeccomp) GTEST_SKIP() << "this kernel has no seccomp";
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

TEST(SandboxTest, AWorkerOfAnotherParentRefusesToRun) {
  const pid_t child = fork();
  if (child == 0) _exit(LimitProcess(kMemory, 1 << 30).ok() ? 1 : 0);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace mixmatch::model
