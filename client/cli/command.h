// What every command of the program shares: its options, its streams, its exit codes.
#ifndef MIXMATCH_CLIENT_CLI_COMMAND_H_
#define MIXMATCH_CLIENT_CLI_COMMAND_H_

#include <functional>
#include <iosfwd>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "client/cli/external.h"
#include "client/cpp/client.h"

namespace CLI {
class App;
}  // namespace CLI

namespace mixmatch::client {

// Exit codes of `mixmatch`; scripts rely on them.
enum ExitCode : int {
  kOk = 0,
  kSomeFailed = 1,   // Some of several things failed, or an error that has no code of its own.
  kUsage = 2,        // The command line is wrong.
  kUnreachable = 3,  // No server there.
  kNotFound = 4,     // No such item, event or operation.
  kRefused = 5,      // The server refused what it was given.
  kTimedOut = 6,     // Longer than --timeout.
};

// Streams and what is known of them.
struct Terminal {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  bool color = false;  // Of `out`.
};

using ClientFactory = std::function<std::unique_ptr<Client>(const ClientOptions&)>;

// One run of the program.
class Session {
 public:
  Session(Terminal terminal, ClientFactory factory) : terminal_(terminal), factory_(std::move(factory)) {}

  // Set by the global options before a command runs.
  std::string server = "127.0.0.1:7411";
  double timeout_seconds = 600.0;
  bool json = false;
  Credentials credentials;
  // Set by the chosen command when its arguments were understood; gives the exit code.
  std::function<int()> action;

  std::istream& in() { return terminal_.in; }
  std::ostream& out() { return terminal_.out; }
  std::ostream& err() { return terminal_.err; }
  const Terminal& terminal() const { return terminal_; }
  // Connects lazily; call it first on the main thread.
  Client& client();

  // Says what went wrong and what to do, and gives the exit code.
  int Fail(const absl::Status& status);

 private:
  Terminal terminal_;
  ClientFactory factory_;
  std::unique_ptr<Client> client_;
};

// The exit code for an error.
ExitCode CodeOf(const absl::Status& status);

// Runs the program with arguments as of main, the first being its name. Commands that are programs of their own are
// given to `launch`.
int Run(const std::vector<std::string>& arguments, const Terminal& terminal,
        const ClientFactory& factory = &Client::Create, const Launcher& launch = &BecomeProgram);

// Each adds one command, or one family of them, to the program. `session` outlives `app`.
void AddPut(CLI::App& app, Session& session);
void AddLive(CLI::App& app, Session& session);
void AddSearch(CLI::App& app, Session& session);
void AddItems(CLI::App& app, Session& session);  // get, ls, rm, items
void AddDownload(CLI::App& app, Session& session);
void AddEvents(CLI::App& app, Session& session);  // link, unlink, events with its own commands
void AddLearn(CLI::App& app, Session& session);
void AddAdmin(CLI::App& app, Session& session);
void AddHealth(CLI::App& app, Session& session);
void AddAdminAccess(CLI::App& admin, Session& session);  // users, tokens: below admin
void AddWhoAmI(CLI::App& app, Session& session);
void AddCompletion(CLI::App& app, Session& session);  // Last: it lists the others.

}  // namespace mixmatch::client

#endif  // MIXMATCH_CLIENT_CLI_COMMAND_H_
