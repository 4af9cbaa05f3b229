#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>
#include <string>

#include "client/cli/admin.h"
#include "client/cli/command.h"
#include "client/cli/format.h"

namespace mixmatch::client {
namespace {

int Config(Session& session, bool changed_only) {
  const auto config = session.client().Config();
  if (!config.ok()) return session.Fail(config.status());
  Table table({"flag", "value", "changed", "what it is"});
  for (const v1::Setting& setting : config->settings()) {
    if (changed_only && !setting.changed()) continue;
    if (session.json) {
      session.out() << Json(setting) << "\n";
    } else {
      table.Add({setting.name(), setting.value(), setting.changed() ? "yes" : "", setting.description()});
    }
  }
  if (!session.json) table.Print(session.out(), session.terminal().color);
  return kOk;
}

int Drain(Session& session, bool off) {
  const auto response = session.client().Drain(off);
  if (!response.ok()) return session.Fail(response.status());
  if (session.json) {
    session.out() << Json(*response) << "\n";
  } else {
    session.out() << (response->draining() ? "drained: no write is under way, and none is taken\n" : "writes are taken\n");
  }
  return kOk;
}

}  // namespace

void AddAdminServing(CLI::App* admin, Session& session) {
  CLI::App* config = admin->add_subcommand("config", "Every flag of the server with its value");
  config->footer("Examples:\n  mixmatch admin config --changed\n  mixmatch --json admin config");
  const auto changed = std::make_shared<bool>(false);
  config->add_flag("--changed", *changed, "Only those that are not the default");
  config->callback([&session, changed] { session.action = [&session, changed] { return Config(session, *changed); }; });

  CLI::App* drain = admin->add_subcommand("drain", "Stop taking uploads and other writes; searches go on");
  drain->footer(
      "Waits for the writes under way, at most as long as --timeout; then the server can be stopped or copied.\n"
      "Examples:\n  mixmatch admin drain\n  mixmatch --timeout 30 admin drain\n  mixmatch admin drain --off");
  const auto off = std::make_shared<bool>(false);
  drain->add_flag("--off", *off, "Take writes again");
  drain->callback([&session, off] { session.action = [&session, off] { return Drain(session, *off); }; });
}

}  // namespace mixmatch::client
