#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "client/cli/command.h"
#include "client/cli/format.h"

namespace mixmatch::client {
namespace {

// Exit codes of its own: what starts containers knows 0 and 1 only, and has another use for the rest.
int Health(Session& session, const std::string& service) {
  const absl::Status status = session.client().CheckHealth(service);
  if (session.json) {
    session.out() << "{\"serving\": " << (status.ok() ? "true" : "false") << "}\n";
  } else if (status.ok()) {
    session.out() << "serving\n";
  }
  if (!status.ok()) session.err() << "mixmatch health: " << Printable(std::string(status.message())) << "\n";
  return status.ok() ? kOk : kSomeFailed;
}

}  // namespace

void AddHealth(CLI::App& app, Session& session) {
  CLI::App* health = app.add_subcommand("health", "Whether the server takes calls; needs no token");
  const auto service = std::make_shared<std::string>();
  health->add_option("service", *service, "One of its services, e.g. mixmatch.v1.SearchService; default: any");
  health->footer(
      "Exit codes: 0 serving, 1 not: it starts, drains, or cannot be reached.\n"
      "Examples:\n  mixmatch --timeout 5 health\n  until mixmatch health; do sleep 1; done");
  health->callback([&session, service] { session.action = [&session, service] { return Health(session, *service); }; });
}

}  // namespace mixmatch::client
