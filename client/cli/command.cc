#include "client/cli/command.h"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <ostream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace mixmatch::client {

Client& Session::client() {
  if (client_ == nullptr) {
    ClientOptions options;
    options.address = server;
    options.timeout = absl::Seconds(timeout_seconds);
    options.credentials = credentials;
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
  if (absl::IsUnauthenticated(status) && credentials.token.empty()) {
    err() << "Give a token with --token-file FILE, MIXMATCH_TOKEN_FILE or MIXMATCH_TOKEN.\n";
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
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kPermissionDenied:
      return kRefused;
    case absl::StatusCode::kDeadlineExceeded:
      return kTimedOut;
    default:
      return kSomeFailed;
  }
}

namespace {

// How a server is reached, as the options of the program say it.
struct Access {
  CredentialFiles files;
  std::string server_name;
  bool tls = false;
  bool insecure_token = false;
};

void AddAccess(CLI::App& app, Access& access) {
  app.add_option("--token-file", access.files.token, "A file with your token; or the token itself in MIXMATCH_TOKEN")
      ->envname("MIXMATCH_TOKEN_FILE");
  app.add_flag("--tls", access.tls, "Encrypt; the server's certificate must be of a CA that the system trusts");
  app.add_option("--tls-ca", access.files.tls_ca, "Likewise, of the CA in this PEM file")->envname("MIXMATCH_TLS_CA");
  app.add_option("--tls-cert", access.files.tls_certificate, "Your own certificate, in PEM")
      ->envname("MIXMATCH_TLS_CERT");
  app.add_option("--tls-key", access.files.tls_key, "Its key")->envname("MIXMATCH_TLS_KEY");
  app.add_option("--tls-server-name", access.server_name, "In the server's certificate, if not the host of --server")
      ->envname("MIXMATCH_TLS_SERVER_NAME");
  app.add_flag("--insecure-token", access.insecure_token, "Send the token unencrypted to another machine too");
}

absl::Status Apply(const Access& access, Session& session) {
  auto read = ReadCredentials(access.files);
  if (!read.ok()) return read.status();
  session.credentials = *std::move(read);
  const char* token = std::getenv("MIXMATCH_TOKEN");
  if (access.files.token.empty() && token != nullptr) {
    session.credentials.token = std::string(absl::StripAsciiWhitespace(token));
  }
  session.credentials.tls |= access.tls || !access.server_name.empty();
  session.credentials.server_name = access.server_name;
  session.credentials.insecure_token = access.insecure_token;
  if (!WouldShowToken(session.credentials, session.server)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "--token-file: the token would go to another machine unencrypted; give --tls or --tls-ca FILE, or "
      "--insecure-token where something else encrypts");
}

// Runs an external command with the arguments from `rest` on.
int RunExternal(const ExternalCommand& command, const std::vector<std::string>& arguments, size_t rest,
                const Terminal& terminal, const Launcher& launch) {
  std::vector<std::string> given(arguments.begin() + static_cast<ptrdiff_t>(rest), arguments.end());
  if (*command.first != '\0') given.insert(given.begin(), command.first);
  terminal.out.flush();
  const absl::Status status = launch(command.program, given);
  if (status.ok()) return kOk;
  terminal.err << "mixmatch " << command.words << ": " << status.message() << "\n";
  if (!absl::IsNotFound(status)) return kSomeFailed;
  terminal.err << "Build it with: deploy/build release " << command.program << "\nand put it beside mixmatch.\n";
  return kUsage;
}

}  // namespace

int Run(const std::vector<std::string>& arguments, const Terminal& terminal, const ClientFactory& factory,
        const Launcher& launch) {
  size_t rest = 0;
  if (const ExternalCommand* command = FindExternal(arguments, &rest); command != nullptr) {
    return RunExternal(*command, arguments, rest, terminal, launch);
  }
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
  Access access;
  AddAccess(app, access);
  AddPut(app, session);
  AddLive(app, session);
  AddSearch(app, session);
  AddItems(app, session);
  AddDownload(app, session);
  AddEvents(app, session);
  AddLearn(app, session);
  AddAdmin(app, session);
  AddHealth(app, session);
  AddWhoAmI(app, session);
  AddExternals("", app);
  AddCompletion(app, session);

  std::vector<const char*> argv;
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  try {
    app.parse(static_cast<int>(argv.size()), argv.data());
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error, terminal.out, terminal.err);
    return code == 0 ? kOk : kUsage;
  }
  if (const absl::Status applied = Apply(access, session); !applied.ok()) {
    terminal.err << "mixmatch: " << applied.message() << "\n";
    return kUsage;
  }
  const int code = session.action ? session.action() : static_cast<int>(kUsage);
  terminal.out.flush();
  return code;
}

}  // namespace mixmatch::client
