// What every command of `mixmatch` shares: the server, how to print, how to fail.
#ifndef MIXMATCH_CLIENT_CLI_CLI_H_
#define MIXMATCH_CLIENT_CLI_CLI_H_

#include <google/protobuf/message.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "client/cpp/client.h"

namespace mixmatch::client {

// Exit codes, also in client/README.md.
enum ExitCode { kOk = 0, kSomeFailed = 1, kUsage = 2, kUnreachable = 3, kNotFound = 4, kRefused = 5 };

struct Context {
  std::string server = "127.0.0.1:7411";
  double timeout_seconds = 600.0;
  bool json = false;
  int exit_code = kOk;  // Set by the command.

  Client& client();

 private:
  std::unique_ptr<Client> client_;
};

// Adds the command to `app`; its callback does the work and sets context.exit_code.
void AddPut(CLI::App& app, Context& context);
void AddSearch(CLI::App& app, Context& context);
void AddItemCommands(CLI::App& app, Context& context);   // get, download, ls, rm
void AddEventCommands(CLI::App& app, Context& context);  // link, unlink, events
void AddLearn(CLI::App& app, Context& context);
void AddAdmin(CLI::App& app, Context& context);
void AddCompletion(CLI::App& app, Context& context);

// Says what failed, on standard error, and what to do; returns the exit code for it.
int Fail(const Context& context, absl::string_view what, const absl::Status& status);

// One line of JSON on standard output, field names as in the protos.
void PrintJson(const google::protobuf::Message& message);
std::string ToJson(const google::protobuf::Message& message);

// Columns as wide as their widest cell. Control characters of hostile names are shown as '?'.
void PrintTable(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows);
std::string Printable(absl::string_view text);

std::string ModalityName(v1::Modality modality);  // "image"
// "image,video" to modalities; a CLI::ValidationError names what is wrong.
std::vector<v1::Modality> ParseModalities(const std::string& list);
std::string HumanBytes(double bytes);
bool IsTerminal(int fd);

}  // namespace mixmatch::client

#endif  // MIXMATCH_CLIENT_CLI_CLI_H_
