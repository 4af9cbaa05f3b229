#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <ostream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "client/cli/command.h"
#include "client/cli/format.h"

namespace mixmatch::client {
namespace {

std::string State(const v1::Operation& operation) {
  const std::string name = v1::OperationState_Name(operation.state());
  return absl::AsciiStrToLower(name.substr(name.rfind('_') + 1));
}

int Stats(Session& session) {
  const auto stats = session.client().Stats();
  if (!stats.ok()) return session.Fail(stats.status());
  if (session.json) {
    session.out() << Json(*stats) << "\n";
    return kOk;
  }
  Table table({"version", stats->version()});
  table.Add({"uptime", absl::FormatDuration(absl::Seconds(stats->uptime().seconds()))});
  table.Add({"items", absl::StrCat(stats->items())});
  table.Add({"parts", absl::StrCat(stats->parts())});
  table.Add({"events", absl::StrCat(stats->events())});
  for (const v1::ModalityStats& one : stats->modalities()) {
    table.Add({"  " + ModalityName(one.modality()), absl::StrCat(one.items(), " items, ", one.parts(), " parts")});
  }
  table.Add({"generation", absl::StrCat(stats->generation())});
  table.Add({"segments", absl::StrCat(stats->segments(), " (", stats->segments_loaded(), " loaded, ",
                                      stats->segments_rebuilt(), " rebuilt at the start)")});
  table.Add({"memtable", absl::StrCat(stats->memtable_vectors(), " vectors")});
  table.Add({"index memory", Bytes(stats->index_bytes())});
  table.Add({"index recall@10", stats->has_index_recall() ? absl::StrFormat("%.3f", stats->index_recall()) : "exact"});
  table.Add({"tombstones", absl::StrCat(stats->tombstones())});
  table.Add({"disk", Bytes(stats->disk_bytes())});
  table.Add({"memory", Bytes(stats->resident_bytes())});
  table.Add({"searches", absl::StrCat(stats->searches(), " answered, ", stats->searches_waiting(), " waiting, ",
                                      stats->searches_refused(), " refused, ", stats->searches_abandoned(),
                                      " given up")});
  table.Add({"uploads", absl::StrCat(stats->uploads())});
  for (const v1::IngestStats& one : stats->ingest()) {
    const double encode = one.describe_seconds() + one.encode_seconds();
    const double all = std::max(1e-9, one.decode_seconds() + encode + one.store_seconds());
    table.Add({"  " + ModalityName(one.modality()),
               absl::StrFormat("%d, %.1f ms each: decode %.0f %%, encode %.0f %%, store %.0f %%", one.uploads(),
                               1e3 * all / std::max<uint64_t>(1, one.uploads()), 100 * one.decode_seconds() / all,
                               100 * encode / all, 100 * one.store_seconds() / all)});
  }
  table.Print(session.out(), session.terminal().color);
  return kOk;
}

// The exit code says how it ended.
int Print(Session& session, const absl::StatusOr<v1::Operation>& operation) {
  if (!operation.ok()) return session.Fail(operation.status());
  if (session.json) {
    session.out() << Json(*operation) << "\n";
  } else {
    session.out() << Printable(operation->operation_id()) << "  " << State(*operation) << "  " << operation->done()
                  << "/" << operation->total() << "  " << Printable(operation->error()) << "\n";
  }
  return operation->state() == v1::OPERATION_STATE_FAILED ? kSomeFailed : kOk;
}

int Wait(Session& session, const std::string& id) {
  for (;;) {
    const auto operation = session.client().WaitOperation(id, absl::Seconds(5));
    if (!operation.ok() || operation->state() != v1::OPERATION_STATE_RUNNING) return Print(session, operation);
    if (session.terminal().err_is_terminal && !session.json) {
      session.err() << "\r" << operation->done() << "/" << operation->total() << "\033[K\r" << std::flush;
    }
  }
}

struct ReindexOptions {
  std::string modality = "any";
  bool from_content = false;
  bool wait = false;
};

int Reindex(Session& session, const ReindexOptions& options) {
  v1::ReindexRequest request;
  v1::Modality modality = v1::MODALITY_UNSPECIFIED;
  if (!ParseModality(options.modality, modality)) {
    session.err() << "mixmatch admin reindex: --modality: wanted text, image, audio or video\n";
    return kUsage;
  }
  request.set_modality(modality);
  request.set_from_content(options.from_content);
  const auto operation = session.client().Reindex(request);
  return operation.ok() && options.wait ? Wait(session, operation->operation_id()) : Print(session, operation);
}

int Operations(Session& session) {
  v1::ListOperationsRequest request;
  Table table({"operation", "kind", "state", "done", "error"});
  do {
    const auto page = session.client().ListOperations(request);
    if (!page.ok()) return session.Fail(page.status());
    for (const v1::Operation& one : page->operations()) {
      if (session.json) {
        session.out() << Json(one) << "\n";
      } else {
        table.Add(
            {one.operation_id(), one.kind(), State(one), absl::StrCat(one.done(), "/", one.total()), one.error()});
      }
    }
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  if (!session.json) table.Print(session.out(), session.terminal().color);
  return kOk;
}

// A command over one operation's id.
void AddOne(CLI::App* parent, Session& session, const char* name, const char* what,
            std::function<int(const std::string&)> act) {
  CLI::App* command = parent->add_subcommand(name, what);
  const auto id = std::make_shared<std::string>();
  command->add_option("operation", *id, "Its id, e.g. reindex-7")->required();
  command->callback([&session, id, act = std::move(act)] { session.action = [id, act] { return act(*id); }; });
}

}  // namespace

void AddAdmin(CLI::App& app, Session& session) {
  CLI::App* admin = app.add_subcommand("admin", "Run the server: figures, reindexing, long operations");
  admin->require_subcommand(1);
  admin->fallthrough();
  admin->footer(
      "Examples:\n  mixmatch admin stats\n  mixmatch admin reindex --modality audio --wait\n"
      "  mixmatch admin operations\n  mixmatch admin operations cancel reindex-7");
  admin->add_subcommand("stats", "Figures of the server")->callback([&session] {
    session.action = [&session] { return Stats(session); };
  });
  CLI::App* reindex = admin->add_subcommand("reindex", "Make vectors anew; search goes on");
  const auto options = std::make_shared<ReindexOptions>();
  reindex->add_option("--modality", options->modality, "Only this one")->capture_default_str();
  reindex->add_flag("--from-content", options->from_content, "Decode the stored content again; slow");
  reindex->add_flag("--wait", options->wait, "Until it ends");
  reindex->callback(
      [&session, options] { session.action = [&session, options] { return Reindex(session, *options); }; });

  AddAdminAccess(*admin, session);
  CLI::App* operations = admin->add_subcommand("operations", "List operations, or get, cancel, wait for one");
  operations->require_subcommand(0, 1);
  operations->fallthrough();
  operations->callback([&session, operations] {
    if (operations->get_subcommands().empty()) session.action = [&session] { return Operations(session); };
  });
  AddOne(operations, session, "get", "Show one",
         [&session](const std::string& id) { return Print(session, session.client().GetOperation(id)); });
  AddOne(operations, session, "cancel", "Ask one to stop",
         [&session](const std::string& id) { return Print(session, session.client().CancelOperation(id)); });
  AddOne(operations, session, "wait", "Until one ends",
         [&session](const std::string& id) { return Wait(session, id); });
}

}  // namespace mixmatch::client
