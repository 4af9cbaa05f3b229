#include <CLI/CLI.hpp>
#include <algorithm>
#include <ostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "client/cli/admin.h"
#include "client/cli/command.h"
#include "client/cli/format.h"

namespace mixmatch::client {
namespace {

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

}  // namespace

void AddAdmin(CLI::App& app, Session& session) {
  CLI::App* admin = app.add_subcommand("admin", "Run the server: figures, backups, reindexing, checks, generations");
  admin->require_subcommand(1);
  admin->fallthrough();
  admin->footer(
      "Each has examples with --help.\nExamples:\n  mixmatch admin stats\n  mixmatch admin backup --keep 7\n"
      "  mixmatch admin verify\n  mixmatch admin reindex --source content --wait");
  admin->add_subcommand("stats", "Figures of the server")->callback([&session] {
    session.action = [&session] { return Stats(session); };
  });
  AddAdminServing(admin, session);
  AddAdminAccess(*admin, session);
  AddAdminOperations(admin, session);
  AddAdminBackup(admin, session);
  AddAdminGenerations(admin, session);
  AddExternals("admin", *admin);
}

}  // namespace mixmatch::client
