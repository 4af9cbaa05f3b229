#include "client/cli/external.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace mixmatch::client {
namespace {

namespace fs = std::filesystem;

constexpr ExternalCommand kCommands[] = {
    {"train", "Train a trunk on prepared shards (runs mixmatch-train)"},
    {"shards", "Prepare shards of training data from files (runs mixmatch-shards)"},
};

bool IsProgram(const std::string& path) {
  std::error_code error;
  return fs::is_regular_file(path, error) && access(path.c_str(), X_OK) == 0;
}

}  // namespace

absl::Span<const ExternalCommand> ExternalCommands() { return kCommands; }

size_t FindExternal(const std::vector<std::string>& arguments) {
  size_t at = 1;
  while (at < arguments.size() && absl::StartsWith(arguments[at], "-")) {
    at += arguments[at] == "--server" || arguments[at] == "--timeout" ? 2 : 1;
  }
  if (at >= arguments.size()) return 0;
  for (const ExternalCommand& command : kCommands) {
    if (arguments[at] == command.name) return at;
  }
  return 0;
}

std::string FindProgram(const std::string& program, const std::string& folder, absl::string_view path) {
  std::string found = absl::StrCat(folder, "/", program);
  if (IsProgram(found)) return found;
  for (absl::string_view entry : absl::StrSplit(path, ':', absl::SkipEmpty())) {
    found = absl::StrCat(entry, "/", program);
    if (IsProgram(found)) return found;
  }
  return "";
}

absl::Status BecomeProgram(const std::string& program, const std::vector<std::string>& arguments) {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  const char* const path = std::getenv("PATH");
  const std::string found = FindProgram(program, self.parent_path().string(), path == nullptr ? "" : path);
  if (found.empty()) return absl::NotFoundError(absl::StrCat(program, ": neither beside mixmatch nor in PATH"));
  std::vector<char*> argv = {const_cast<char*>(found.c_str())};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  execv(found.c_str(), argv.data());
  return absl::InternalError(absl::StrCat(found, ": cannot be run: ", std::strerror(errno)));
}

}  // namespace mixmatch::client
