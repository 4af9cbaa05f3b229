#include "client/cli/command.h"

#include <CLI/CLI.hpp>
#include <ostream>

#include "absl/strings/str_cat.h"

namespace mixmatch::client {

Client& Session::client() {
  if (client_ == nullptr) {
    ClientOptions options;
    options.address = server;
    options.timeout = absl::Seconds(timeout_seconds);
    client_ = factory_(options);
  }
  return *client_;
}

int Session::Fail(const absl::Status& status) {
  err() << "mixmatch: " << absl::StatusCodeToString(status.code()) << ": " << status.message() << "\n";
  switch (CodeOf(status)) {
    case kUnreachable:
      err() << "No answer from a server at " << server << ". Start one with: mixmatchd --listen " << server
            << " --data-dir DIR\nor name another with --server HOST:PORT or MIXMATCH_SERVER.\n";
      break;
    case kTimedOut:
      err() << "It took longer than " << timeout_seconds << " s; give more with --timeout SECONDS.\n";
      break;
    default:
      break;
  }
  return CodeOf(status);
}

ExitCode CodeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return kOk;
    case absl::StatusCode::kUnavailable:
      return kUnreachable;
    case absl::StatusCode::kNotFound:
      return kNotFound;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kUnimplemented:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kResourceExhausted:
      return kRefused;
    case absl::StatusCode::kDeadlineExceeded:
      return kTimedOut;
    default:
      return kSomeFailed;
  }
}

namespace {

// Runs what stands at `at` in the arguments with all that follows.
int RunExternal(const std::vector<std::string>& arguments, size_t at, const Terminal& terminal,
                const Launcher& launch) {
  const std::string program = absl::StrCat("mixmatch-", arguments[at]);
  terminal.out.flush();
  const absl::Status status = launch(program, {arguments.begin() + static_cast<ptrdiff_t>(at) + 1, arguments.end()});
  if (status.ok()) return kOk;
  terminal.err << "mixmatch " << arguments[at] << ": " << status.message() << "\n";
  if (!absl::IsNotFound(status)) return kSomeFailed;
  terminal.err << "Build it with: deploy/build release " << program << "\nand put it beside mixmatch.\n";
  return kUsage;
}

}  // namespace

int Run(const std::vector<std::string>& arguments, const Terminal& terminal, const ClientFactory& factory,
        const Launcher& launch) {
  if (const size_t at = FindExternal(arguments); at > 0) return RunExternal(arguments, at, terminal, launch);
  Session session(terminal, factory);
  CLI::App app("Uploads to, searches and administers a Mix-Match server.", "mixmatch");
  app.footer(
      "Examples:\n"
      "  mixmatch put --event crow crow.png crow.ogg\n"
      "  mixmatch search --audio caw.wav --for image,video\n"
      "  mixmatch learn status\n\n"
      "Exit codes: 0 done, 1 some failed, 2 wrong arguments, 3 no server, 4 not found, 5 refused, 6 timed out.\n"
      "Colours only on a terminal, and never with NO_COLOR set.");
  app.set_version_flag("--version", MIXMATCH_VERSION);
  app.require_subcommand(1);
  app.fallthrough();
  app.add_option("--server", session.server, "HOST:PORT of the server")
      ->envname("MIXMATCH_SERVER")
      ->capture_default_str();
  app.add_option("--timeout", session.timeout_seconds, "Seconds that one call may take")
      ->check(CLI::Range(0.001, 1e6))
      ->capture_default_str();
  app.add_flag("--json", session.json, "For programs: one JSON object a line");
  AddPut(app, session);
  AddLive(app, session);
  AddSearch(app, session);
  AddItems(app, session);
  AddDownload(app, session);
  AddEvents(app, session);
  AddLearn(app, session);
  AddAdmin(app, session);
  AddHealth(app, session);
  for (const ExternalCommand& command : ExternalCommands()) app.add_subcommand(command.name, command.summary);
  AddCompletion(app, session);

  std::vector<const char*> argv;
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  try {
    app.parse(static_cast<int>(argv.size()), argv.data());
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error, terminal.out, terminal.err);
    return code == 0 ? kOk : kUsage;
  }
  const int code = session.action ? session.action() : static_cast<int>(kUsage);
  terminal.out.flush();
  return code;
}

}  // namespace mixmatch::client
