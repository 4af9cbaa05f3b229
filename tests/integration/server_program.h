// The mixmatchd program run for something else than serving, e.g. to restore a backup.
#ifndef MIXMATCH_TESTS_INTEGRATION_SERVER_PROGRAM_H_
#define MIXMATCH_TESTS_INTEGRATION_SERVER_PROGRAM_H_

#include <sys/types.h>

#include <string>
#include <vector>

namespace mixmatch {

class ServerProgram {
 public:
  // Starts it; what it says goes to the file `log`, which is made anew.
  ServerProgram(std::vector<std::string> arguments, std::string log);
  // Kills it if it still runs.
  ~ServerProgram();
  ServerProgram(const ServerProgram&) = delete;
  ServerProgram& operator=(const ServerProgram&) = delete;

  // Its exit status, or minus the signal that ended it.
  int Wait();
  void Kill();
  std::string Log() const;

 private:
  const std::string log_;
  pid_t pid_ = -1;
};

}  // namespace mixmatch

#endif  // MIXMATCH_TESTS_INTEGRATION_SERVER_PROGRAM_H_
