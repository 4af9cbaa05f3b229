// Commands that are programs of their own: `mixmatch train ...` runs `mixmatch-train ...`, as git does with its own.
#ifndef MIXMATCH_CLIENT_CLI_EXTERNAL_H_
#define MIXMATCH_CLIENT_CLI_EXTERNAL_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace mixmatch::client {

struct ExternalCommand {
  const char* name;     // "train"; the program is "mixmatch-train", and so is the build target that makes it.
  const char* summary;  // One line for --help.
};

// All of them.
absl::Span<const ExternalCommand> ExternalCommands();

// Where in `arguments` (as of main) the name of an external command stands, 0 if they call none. Global options may
// stand before it; everything behind it is the program's.
size_t FindExternal(const std::vector<std::string>& arguments);

// The path of an executable file `program`: in `folder`, else in the first of `path` (folders with colons between) that
// has one; "" if there is none.
std::string FindProgram(const std::string& program, const std::string& folder, absl::string_view path);

// Runs a program with arguments (without its own name).
using Launcher = std::function<absl::Status(const std::string& program, const std::vector<std::string>& arguments)>;

// Becomes that program, from beside this one or from PATH: returns only on an error, NOT_FOUND if there is none.
absl::Status BecomeProgram(const std::string& program, const std::vector<std::string>& arguments);

}  // namespace mixmatch::client

#endif  // MIXMATCH_CLIENT_CLI_EXTERNAL_H_
