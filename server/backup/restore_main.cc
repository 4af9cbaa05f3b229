#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "google/protobuf/util/time_util.h"
#include "server/backup/backup_folder.h"
#include "server/backup/restore.h"

namespace mixmatch::server {
namespace {

constexpr char kFooter[] =
    "Examples:\n"
    "  mixmatchd restore --backup-dir /mnt/backups --list\n"
    "  mixmatchd restore --backup-dir /mnt/backups --data-dir /var/lib/mixmatch-new\n"
    "  mixmatchd restore --backup-dir /mnt/backups --folder weekly --id 7 --verify-only\n"
    "\n"
    "The server whose backup it is may run meanwhile. Exit status: 0 done, 1 not done, 2 wrong arguments.";

constexpr absl::Duration kBetweenLines = absl::Milliseconds(200);

// A line that is rewritten on a terminal, else a line for each step; on stderr.
class ProgressLine {
 public:
  ~ProgressLine() {
    if (terminal_ && said_) std::fputs("\n", stderr);
  }
  void Tell(const std::string& doing, uint64_t bytes, uint64_t total) {
    absl::MutexLock lock(&mutex_);
    const bool step = doing != doing_;
    if (!terminal_ && !step) return;
    if (!step && absl::Now() - last_ < kBetweenLines) return;
    if (terminal_ && step && said_) std::fputs("\n", stderr);
    const double share = total == 0 ? 100.0 : 100.0 * static_cast<double>(bytes) / static_cast<double>(total);
    const std::string line = terminal_ ? absl::StrFormat("\r%-9s %3.0f %% of %.1f MiB\033[K", doing, share, MiB(total))
                                       : absl::StrFormat("%s %.1f MiB\n", doing, MiB(total));
    std::fputs(line.c_str(), stderr);
    doing_ = doing;
    last_ = absl::Now();
    said_ = true;
  }

 private:
  static double MiB(uint64_t bytes) { return static_cast<double>(bytes) / (1 << 20); }
  const bool terminal_ = isatty(STDERR_FILENO) == 1;
  absl::Mutex mutex_;
  std::string doing_ ABSL_GUARDED_BY(mutex_);
  absl::Time last_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  bool said_ ABSL_GUARDED_BY(mutex_) = false;
};

std::string Line(const v1::BackupSet& set) {
  return absl::StrFormat("%s/%d  %s  %d items  generation %d  %.1f MiB", set.folder(), set.backup_id(),
                         google::protobuf::util::TimeUtil::ToString(set.create_time()), set.items(), set.generation(),
                         static_cast<double>(set.bytes()) / (1 << 20));
}

int List(const RestoreRequest& request) {
  const auto records = BackupFolder::List(absl::StrCat(request.backup_dir, "/", request.folder));
  for (const BackupFolder::Record& record : records) std::printf("%s\n", Line(record.set()).c_str());
  if (!records.empty()) return 0;
  std::fprintf(stderr, "mixmatchd restore: no backups in %s/%s\n", request.backup_dir.c_str(), request.folder.c_str());
  return 1;
}

}  // namespace

int RestoreMain(int argc, char** argv) {
  RestoreRequest request;
  bool list = false;
  CLI::App app{"Makes a data directory of a backup. Every checksum is compared first.", "mixmatchd restore"};
  app.footer(kFooter);
  app.add_option("--backup-dir", request.backup_dir, "As the server's --backup-dir")
      ->envname("MIXMATCH_BACKUP_DIR")
      ->required();
  app.add_option("--folder", request.folder, "The folder below it")->capture_default_str();
  app.add_option("--id", request.backup_id, "The backup's number; the newest without it");
  app.add_option("--data-dir", request.data_dir, "The directory to make; empty, or not there yet");
  app.add_flag("--verify-only", request.verify_only, "Only compare the backup's checksums; write nothing");
  app.add_flag("--list", list, "Only list the folder's backups");
  try {
    app.parse(argc, argv);
    if (!list && !request.verify_only && request.data_dir.empty()) throw CLI::RequiredError("--data-dir");
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (list) return List(request);
  absl::StatusOr<v1::BackupSet> set;
  {
    ProgressLine line;
    set = Restore(request, [&](const std::string& doing, uint64_t bytes, uint64_t total) {
      line.Tell(doing, bytes, total);
    });
  }
  if (!set.ok()) {
    std::fprintf(stderr, "mixmatchd restore: %s\n", set.status().ToString().c_str());
    return 1;
  }
  std::printf("%s %s\n", request.verify_only ? "whole:" : "restored:", Line(*set).c_str());
  if (!request.verify_only) std::printf("start it with: mixmatchd --data-dir %s\n", request.data_dir.c_str());
  return 0;
}

}  // namespace mixmatch::server
