#include "client/cli/external.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iterator>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace mixmatch::client {
namespace {

namespace fs = std::filesystem;

constexpr ExternalCommand kCommands[] = {
    {"train", "mixmatch-train", "", "Train a trunk on prepared shards (runs mixmatch-train)"},
    {"shards", "mixmatch-shards", "", "Prepare shards of training data from files (runs mixmatch-shards)"},
    {"admin restore", "mixmatchd", "restore", "Make a data directory of a backup, here (runs mixmatchd restore)"},
};

// Global options that take the next argument.
constexpr absl::string_view kWithValue[] = {"--server",   "--timeout", "--token-file",     "--tls-ca",
                                            "--tls-cert", "--tls-key", "--tls-server-name"};

bool IsProgram(const std::string& path) {
  std::error_code error;
  return fs::is_regular_file(path, error) && access(path.c_str(), X_OK) == 0;
}

}  // namespace

absl::Span<const ExternalCommand> ExternalCommands() { return kCommands; }

const ExternalCommand* FindExternal(const std::vector<std::string>& arguments, size_t* rest) {
  size_t at = 1;
  while (at < arguments.size() && absl::StartsWith(arguments[at], "-")) {
    at += std::find(std::begin(kWithValue), std::end(kWithValue), arguments[at]) != std::end(kWithValue) ? 2 : 1;
  }
  for (const ExternalCommand& command : kCommands) {
    const std::vector<std::string> words = absl::StrSplit(command.words, ' ');
    if (at + words.size() > arguments.size()) continue;
    if (!std::equal(words.begin(), words.end(), arguments.begin() + static_cast<ptrdiff_t>(at))) continue;
    *rest = at + words.size();
    return &command;
  }
  return nullptr;
}

void AddExternals(absl::string_view parent, CLI::App& app) {
  for (const ExternalCommand& command : kCommands) {
    const absl::string_view words = command.words;
    const size_t space = words.rfind(' ');
    const absl::string_view above = space == absl::string_view::npos ? "" : words.substr(0, space);
    const absl::string_view last = space == absl::string_view::npos ? words : words.substr(space + 1);
    if (above == parent) app.add_subcommand(std::string(last), command.summary);
  }
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
