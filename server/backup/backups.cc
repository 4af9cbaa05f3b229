#include "server/backup/backups.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <thread>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "google/protobuf/util/time_util.h"
#include "proto/base/status_macros.h"
#include "server/backup/backup_folder.h"
#include "server/log.h"
#include "server/thread_priority.h"

namespace mixmatch::server {
namespace {

namespace fs = std::filesystem;
using google::protobuf::util::TimeUtil;

constexpr int kNiceness = 15;

// A copy of the store that is being made on a thread of its own.
class StoreCopy {
 public:
  StoreCopy(BackupFolder& folder, index::Store& store, OperationRun& run, std::function<void(uint64_t)> progress)
      : thread_([this, &folder, &store, &run, progress = std::move(progress)] {
          LowerThreadPriority(kNiceness);
          index::StoreBackupHooks hooks;
          hooks.moment_passed = [this] { begun_.Notify(); };
          hooks.progress = [&](uint64_t bytes) {
            progress(bytes);
            return !run.stop() && !abandoned_;
          };
          result_ = folder.store().Create(store, hooks);
          if (!begun_.HasBeenNotified()) begun_.Notify();
        }) {}
  ~StoreCopy() {
    abandoned_ = true;
    if (thread_.joinable()) thread_.join();
  }

  // Until what is committed is no longer in it.
  void WaitBegun() { begun_.WaitForNotification(); }
  absl::StatusOr<index::StoreBackup> WaitMade() {
    thread_.join();
    return std::move(result_);
  }

 private:
  absl::Notification begun_;
  std::atomic<bool> abandoned_{false};
  absl::StatusOr<index::StoreBackup> result_;
  std::thread thread_;
};

}  // namespace

absl::StatusOr<std::string> Backups::Path(const std::string& folder) const {
  if (options_.directory.empty()) {
    return absl::FailedPreconditionError("backup: the server was started without --backup-dir; start it with one");
  }
  MIXMATCH_ASSIGN_OR_RETURN(const std::string name, BackupFolderName(folder));
  return absl::StrCat(options_.directory, "/", name);
}

absl::StatusOr<storage::v1::OperationRecord> Backups::Prepare(const v1::BackupRequest& request) const {
  MIXMATCH_RETURN_IF_ERROR(Path(request.folder()).status());
  storage::v1::OperationRecord record;
  *record.mutable_backup() = request;
  return record;
}

absl::Status Backups::Run(OperationRun& run) {
  const v1::BackupRequest request = run.record().backup();
  MIXMATCH_ASSIGN_OR_RETURN(const std::string path, Path(request.folder()));
  MIXMATCH_ASSIGN_OR_RETURN(const std::unique_ptr<BackupFolder> folder, BackupFolder::Open(path));
  MIXMATCH_RETURN_IF_ERROR(folder->CollectGarbage());
  const uint64_t bytes_before = folder->BytesOnDisk();
  absl::Cleanup collect = [&] {
    if (const absl::Status status = folder->CollectGarbage(); !status.ok()) Log::Warn("{}", status.ToString());
  };

  std::atomic<uint64_t> store_bytes{0}, file_bytes{0};
  MIXMATCH_ASSIGN_OR_RETURN(const uint64_t expected, store_.DiskBytes());
  std::atomic<uint64_t> total{expected};
  const auto report = [&] { run.SetProgress(std::min<uint64_t>(total, store_bytes + file_bytes), total); };
  report();

  storage::v1::BackupRecord record;
  record.set_version(MIXMATCH_VERSION);
  v1::BackupSet& set = *record.mutable_set();
  storage::v1::Manifest manifest;
  std::vector<std::string> files;
  absl::Cleanup release = [&] { checkpoint_.Release(manifest); };
  std::unique_ptr<StoreCopy> copy;
  MIXMATCH_RETURN_IF_ERROR(learner_.WithCheckpoint([&]() -> absl::Status {
    auto saved = store_.GetManifest();
    if (!saved.ok() && !absl::IsNotFound(saved.status())) return saved.status();
    if (saved.ok()) manifest = *std::move(saved);
    files = checkpoint_.Hold(manifest);
    const absl::Time begin = absl::Now();
    copy = std::make_unique<StoreCopy>(*folder, store_, run, [&](uint64_t bytes) {
      store_bytes = bytes;
      report();
    });
    copy->WaitBegun();
    *set.mutable_create_time() = TimeUtil::GetCurrentTime();
    set.set_items(catalog_.size());
    Log::Info("backup of generation {}: publications waited {:.3f} s for the copy to begin", manifest.generation(),
              absl::ToDoubleSeconds(absl::Now() - begin));
    return absl::OkStatus();
  }));
  std::error_code error;
  for (const std::string& file : files) {
    const uint64_t size = fs::file_size(absl::StrCat(data_dir_, "/", file), error);
    if (!error) total += size;
  }
  uint64_t files_total = 0;
  for (const std::string& file : files) {
    MIXMATCH_ASSIGN_OR_RETURN(*record.add_files(), folder->AddFile(absl::StrCat(data_dir_, "/", file), file,
                                                                   [&](uint64_t bytes) {
                                                                     file_bytes += bytes;
                                                                     report();
                                                                     return !run.stop();
                                                                   }));
    files_total += record.files(record.files_size() - 1).size();
  }
  MIXMATCH_ASSIGN_OR_RETURN(const index::StoreBackup made, copy->WaitMade());
  MIXMATCH_RETURN_IF_ERROR(run.Check());
  set.set_backup_id(made.id);
  set.set_folder(fs::path(path).filename().string());
  set.set_bytes(made.bytes + files_total);
  set.set_copied_bytes(folder->BytesOnDisk() - std::min(folder->BytesOnDisk(), bytes_before));
  set.set_generation(manifest.generation());
  MIXMATCH_RETURN_IF_ERROR(folder->Commit(record));
  run.SetBackup(set);
  run.SetProgress(total, total);
  if (request.keep() == 0) return absl::OkStatus();
  const std::vector<BackupFolder::Record> all = BackupFolder::List(path);
  for (size_t i = request.keep(); i < all.size(); ++i) {
    MIXMATCH_RETURN_IF_ERROR(folder->Remove(all[i].set().backup_id()));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<v1::BackupSet>> Backups::List(const v1::ListBackupsRequest& request) const {
  MIXMATCH_RETURN_IF_ERROR(Path(request.folder()).status());
  std::vector<v1::BackupSet> sets;
  std::error_code error;
  for (fs::directory_iterator folder(options_.directory, error), end; !error && folder != end; folder.increment(error)) {
    const std::string name = folder->path().filename().string();
    if (!BackupFolderName(name).ok() || (!request.folder().empty() && name != request.folder())) continue;
    for (const BackupFolder::Record& record : BackupFolder::List(folder->path().string())) sets.push_back(record.set());
  }
  std::sort(sets.begin(), sets.end(), [](const v1::BackupSet& a, const v1::BackupSet& b) {
    return TimeUtil::TimestampToNanoseconds(a.create_time()) > TimeUtil::TimestampToNanoseconds(b.create_time());
  });
  return sets;
}

absl::Status Backups::Delete(const v1::DeleteBackupRequest& request) {
  MIXMATCH_ASSIGN_OR_RETURN(const std::string path, Path(request.folder()));
  std::error_code error;
  if (!fs::is_directory(path, error)) return absl::NotFoundError("folder: no such folder of backups; see ListBackups");
  MIXMATCH_ASSIGN_OR_RETURN(const std::unique_ptr<BackupFolder> folder, BackupFolder::Open(path));
  return folder->Remove(request.backup_id());
}

}  // namespace mixmatch::server
