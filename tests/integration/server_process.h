// A mixmatchd process on a free port of this machine, with a data directory of its own.
#ifndef MIXMATCH_TESTS_INTEGRATION_SERVER_PROCESS_H_
#define MIXMATCH_TESTS_INTEGRATION_SERVER_PROCESS_H_

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace mixmatch {

// A directory that is removed with this object.
class ScratchDir {
 public:
  ScratchDir();
  ~ScratchDir();
  ScratchDir(const ScratchDir&) = delete;
  ScratchDir& operator=(const ScratchDir&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// What a sanitizer reported in the log of a process, from its first line on and cut to some kilobytes; "" if nothing.
std::string SanitizerReport(const std::string& log);

// Its end, however it comes, is a test failure where its log has a sanitizer's report: on itself, or on a decoder, which
// writes to the same log.
class ServerProcess {
 public:
  // `data_dir` outlives the process and can be given to the next one. The defaults of tests come before `flags`;
  // `environment` are more variables, as NAME=value.
  explicit ServerProcess(std::string data_dir, std::vector<std::string> flags = {},
                         std::vector<std::string> environment = {});
  // Ends it at once. A test failure, with the end of its log, if it has ended by itself.
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  // Starts it without waiting.
  void Spawn();
  // Starts it and waits until it takes calls. False, with the end of its log as a test failure, if it ends before.
  bool Start();
  // The same for starts that may fail: nothing if it takes calls, else its exit status, or minus the signal that ended
  // it.
  std::optional<int> StartOrEnd();
  // Starts it and waits until it ends by itself; its exit status. For starts that must fail.
  int RunToEnd();
  void Signal(int number);
  // Waits until it ends: its exit status, or minus the signal that ended it.
  int Wait();
  // SIGTERM, then Wait.
  int Stop();
  // SIGKILL, then Wait.
  void Kill();

  bool Running();
  const std::string& address() const { return address_; }
  std::string LogTail() const;

 private:
  const std::string data_dir_;
  const std::vector<std::string> flags_;
  const std::vector<std::string> environment_;
  std::string address_;
  pid_t pid_ = -1;
};

}  // namespace mixmatch

#endif  // MIXMATCH_TESTS_INTEGRATION_SERVER_PROCESS_H_
