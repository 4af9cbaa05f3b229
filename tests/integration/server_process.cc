#include "tests/integration/server_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/time/clock.h"
#include "absl/time/time.h"

extern char** environ;

namespace mixmatch {
namespace {

constexpr absl::Duration kLook = absl::Milliseconds(5);  // Between two looks at a file of another process.
constexpr size_t kTailBytes = 4000;
constexpr size_t kReportBytes = 8000;

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

}  // namespace

std::string SanitizerReport(const std::string& log) {
  size_t first = std::string::npos;
  for (const char* start : {"ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "WARNING: ThreadSanitizer",
                            "FATAL: ThreadSanitizer", "AddressSanitizer:DEADLYSIGNAL", "ThreadSanitizer:DEADLYSIGNAL"}) {
    first = std::min(first, log.find(start));
  }
  return first == std::string::npos ? "" : log.substr(first, kReportBytes);
}

ScratchDir::ScratchDir() {
  path_ = testing::TempDir() + "/mixmatch-XXXXXX";
  EXPECT_NE(mkdtemp(path_.data()), nullptr);
}

ScratchDir::~ScratchDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

ServerProcess::ServerProcess(std::string data_dir, std::vector<std::string> flags, std::vector<std::string> environment)
    : data_dir_(std::move(data_dir)), flags_(std::move(flags)), environment_(std::move(environment)) {}

ServerProcess::~ServerProcess() {
  int status = 0;
  if (pid_ > 0 && waitpid(pid_, &status, WNOHANG) == pid_) {
    pid_ = -1;
    ADD_FAILURE() << "mixmatchd ended by itself, with wait status " << status << ". The end of its log:\n" << LogTail();
  }
  Kill();
}

void ServerProcess::Spawn() {
  std::filesystem::create_directories(data_dir_);
  std::filesystem::remove(data_dir_ + ".port");
  std::vector<std::string> words = {MIXMATCHD, "--data-dir", data_dir_, "--port-file", data_dir_ + ".port",
                                    "--drain-seconds", "30"};
  if (std::find(flags_.begin(), flags_.end(), "--listen") == flags_.end()) {
    words.insert(words.end(), {"--listen", "127.0.0.1:0"});
  }
  words.insert(words.end(), flags_.begin(), flags_.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::vector<std::string> variables = environment_;
  for (char** one = environ; *one != nullptr; ++one) variables.push_back(*one);
  std::vector<char*> envp;
  for (std::string& variable : variables) envp.push_back(variable.data());
  envp.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 2, (data_dir_ + ".log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  posix_spawn_file_actions_adddup2(&actions, 2, 1);
  ASSERT_EQ(posix_spawn(&pid_, MIXMATCHD, &actions, nullptr, argv.data(), envp.data()), 0);
  posix_spawn_file_actions_destroy(&actions);
}

bool ServerProcess::Start() {
  const std::optional<int> ended = StartOrEnd();
  if (ended.has_value()) {
    ADD_FAILURE() << "mixmatchd ended with " << *ended << " before it took calls. The end of its log:\n" << LogTail();
  }
  return !ended.has_value();
}

std::optional<int> ServerProcess::StartOrEnd() {
  Spawn();
  while (!std::filesystem::exists(data_dir_ + ".port")) {
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) == pid_) {
      pid_ = -1;
      return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    }
    absl::SleepFor(kLook);
  }
  address_ = "127.0.0.1:" + std::to_string(std::stoi(ReadFile(data_dir_ + ".port")));
  return std::nullopt;
}

int ServerProcess::RunToEnd() {
  Spawn();
  return Wait();
}

void ServerProcess::Signal(int number) {
  if (pid_ > 0) kill(pid_, number);
}

int ServerProcess::Wait() {
  if (pid_ <= 0) return 0;
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  const std::string report = SanitizerReport(ReadFile(data_dir_ + ".log"));
  if (!report.empty()) ADD_FAILURE() << "A sanitizer reported on mixmatchd or one of its decoders:\n" << report;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int ServerProcess::Stop() {
  Signal(SIGTERM);
  return Wait();
}

void ServerProcess::Kill() {
  Signal(SIGKILL);
  Wait();
}

bool ServerProcess::Running() {
  if (pid_ <= 0) return false;
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) != pid_) return true;
  pid_ = -1;
  return false;
}

std::string ServerProcess::LogTail() const {
  const std::string log = ReadFile(data_dir_ + ".log");
  return log.size() <= kTailBytes ? log : log.substr(log.size() - kTailBytes);
}

}  // namespace mixmatch
