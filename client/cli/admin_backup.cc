// mixmatch admin backup, backups, and the entry of restore, which is a program of its own (external.cc).
#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/cli/admin.h"
#include "client/cli/format.h"
#include "client/cli/operation.h"

namespace mixmatch::client {
namespace {

struct BackupOptions {
  std::string folder;
  uint32_t keep = 0;
  bool no_wait = false;
};

void AddBackup(CLI::App* admin, Session& session) {
  CLI::App* backup = admin->add_subcommand("backup", "Copy everything, as it is at one moment, to the server's --backup-dir");
  const auto options = std::make_shared<BackupOptions>();
  backup->add_option("--folder", options->folder, "Below --backup-dir; backups of one folder share files");
  backup->add_option("--keep", options->keep, "Keep only the newest so many of the folder; 0: all")->capture_default_str();
  backup->add_flag("--no-wait", options->no_wait, "Only begin; see mixmatch admin operations");
  backup->footer(
      "Uploads and searches go on. Only files that the folder does not have yet are copied.\n"
      "Examples:\n  mixmatch admin backup\n  mixmatch admin backup --folder daily --keep 7\n  mixmatch admin backups\n"
      "  mixmatch admin restore --backup-dir /mnt/backups --folder daily --data-dir new");
  backup->callback([&session, options] {
    session.action = [&session, options] {
      v1::BackupRequest request;
      request.set_folder(options->folder);
      request.set_keep(options->keep);
      return ShowBegun(session, session.client().Backup(request), !options->no_wait);
    };
  });
}

int List(Session& session, const std::string& folder) {
  v1::ListBackupsRequest request;
  request.set_folder(folder);
  const auto backups = session.client().ListBackups(request);
  if (!backups.ok()) return session.Fail(backups.status());
  Table table({"backup", "when", "items", "generation", "bytes", "copied"});
  for (const v1::BackupSet& set : backups->backups()) {
    if (session.json) {
      session.out() << Json(set) << "\n";
    } else {
      const absl::Time when = absl::FromUnixSeconds(set.create_time().seconds());
      table.Add({absl::StrCat(set.folder(), "/", set.backup_id()),
                 absl::FormatTime("%Y-%m-%d %H:%M:%S", when, absl::LocalTimeZone()), absl::StrCat(set.items()),
                 absl::StrCat(set.generation()), Bytes(set.bytes()), Bytes(set.copied_bytes())});
    }
  }
  if (!session.json) table.Print(session.out(), session.terminal().color);
  return kOk;
}

void AddBackups(CLI::App* admin, Session& session) {
  CLI::App* backups = admin->add_subcommand("backups", "List backups, or rm one");
  backups->require_subcommand(0, 1);
  backups->fallthrough();
  const auto folder = std::make_shared<std::string>();
  backups->add_option("--folder", *folder, "Only of this folder; rm: default without it");
  backups->footer("Examples:\n  mixmatch admin backups\n  mixmatch admin backups --folder daily rm 3");
  backups->callback([&session, backups, folder] {
    if (backups->get_subcommands().empty()) session.action = [&session, folder] { return List(session, *folder); };
  });
  CLI::App* remove = backups->add_subcommand("rm", "Remove one");
  const auto id = std::make_shared<uint32_t>(0);
  remove->add_option("backup", *id, "Its number")->required();
  remove->callback([&session, folder, id] {
    session.action = [&session, folder, id] {
      v1::DeleteBackupRequest request;
      request.set_folder(*folder);
      request.set_backup_id(*id);
      const absl::Status removed = session.client().DeleteBackup(request);
      return removed.ok() ? static_cast<int>(kOk) : session.Fail(removed);
    };
  });
}

}  // namespace

void AddAdminBackup(CLI::App* admin, Session& session) {
  AddBackup(admin, session);
  AddBackups(admin, session);
}

}  // namespace mixmatch::client
