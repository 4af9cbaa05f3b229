// Commands that are programs of their own: `mixmatch train ...` runs `mixmatch-train ...`, as git does with its own.
#ifndef MIXMATCH_CLIENT_CLI_EXTERNAL_H_
#define MIXMATCH_CLIENT_CLI_EXTERNAL_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace CLI {
class App;
}  // namespace CLI

namespace mixmatch::client {

struct ExternalCommand {
  const char* words;    // "train", "admin restore".
  const char* program;  // "mixmatch-train", which is also the build target that makes it.
  const char* first;    // The program's first argument; "" for none.
  const char* summary;  // One line for --help.
};

// All of them.
absl::Span<const ExternalCommand> ExternalCommands();

// The command that `arguments` (as of main) call, null if they call none. Global options may stand before its words;
// `rest` is set to where what is behind them begins, which is the program's.
const ExternalCommand* FindExternal(const std::vector<std::string>& arguments, size_t* rest);

// Lists those below `parent` ("" or a command's words) in the help of `app`.
void AddExternals(absl::string_view parent, CLI::App& app);

// The path of an executable file `program`: in `folder`, else in the first of `path` (folders with colons between) that
// has one; "" if there is none.
std::string FindProgram(const std::string& program, const std::string& folder, absl::string_view path);

// Runs a program with arguments (without its own name).
using Launcher = std::function<absl::Status(const std::string& program, const std::vector<std::string>& arguments)>;

// Becomes that program, from beside this one or from PATH: returns only on an error, NOT_FOUND if there is none.
absl::Status BecomeProgram(const std::string& program, const std::vector<std::string>& arguments);

}  // namespace mixmatch::client

#endif  // MIXMATCH_CLIENT_CLI_EXTERNAL_H_
