#include "server/backup/restore.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <thread>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "google/protobuf/util/time_util.h"
#include "index/store/store.h"
#include "proto/base/status_macros.h"
#include "server/backup/backup_folder.h"
#include "server/durable_files.h"

namespace mixmatch::server {
namespace {

namespace fs = std::filesystem;

constexpr char kRestoring[] = "restoring";
constexpr absl::Duration kLook = absl::Milliseconds(250);  // Between two looks at how far the copy is.
// What a restore moves, in this order.
constexpr const char* kMoved[] = {"trunks", "generations", "store"};

std::string RestoringIn(const std::string& data_dir) { return absl::StrCat(data_dir, "/", kRestoring); }

// A directory that no other restore works on until the end of this object.
class LockedDirectory {
 public:
  explicit LockedDirectory(const std::string& path) : fd_(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    held_ = fd_ >= 0 && flock(fd_, LOCK_EX | LOCK_NB) == 0;
  }
  ~LockedDirectory() {
    if (fd_ >= 0) close(fd_);
  }
  bool held() const { return held_; }

 private:
  const int fd_;
  bool held_ = false;
};

// Makes it, empty. What a restore that was cut short left in it goes.
absl::Status Prepare(const std::string& data_dir, std::unique_ptr<LockedDirectory>& lock) {
  std::error_code error;
  fs::create_directories(data_dir, error);
  if (error) return absl::FailedPreconditionError(absl::StrCat("--data-dir: cannot make ", data_dir, ": ", error.message()));
  lock = std::make_unique<LockedDirectory>(data_dir);
  if (!lock->held()) {
    return absl::FailedPreconditionError(absl::StrCat("--data-dir: another restore works on ", data_dir, "; wait for it"));
  }
  if (fs::exists(RestoringIn(data_dir), error)) {
    for (const char* name : kMoved) fs::remove_all(absl::StrCat(data_dir, "/", name), error);
    fs::remove_all(RestoringIn(data_dir), error);
  }
  for (const auto& entry : fs::directory_iterator(data_dir, error)) {
    if (entry.path().filename() == "lost+found") continue;
    return absl::FailedPreconditionError(
        absl::StrCat("--data-dir: ", data_dir, " is not empty; give a directory that is empty or not there yet"));
  }
  fs::create_directory(RestoringIn(data_dir), error);
  if (error) return absl::FailedPreconditionError(absl::StrCat("--data-dir: cannot write to ", data_dir, ": ", error.message()));
  return SyncDirectory(data_dir);
}

// Tells how large a directory has become, until the end of this object.
class GrowthWatch {
 public:
  GrowthWatch(const std::string& directory, const std::function<void(uint64_t bytes)>& tell)
      : thread_([this, directory, tell] {
          while (!ended_.WaitForNotificationWithTimeout(kLook)) tell(BytesBelow(directory));
        }) {}
  ~GrowthWatch() {
    ended_.Notify();
    thread_.join();
  }

 private:
  absl::Notification ended_;
  std::thread thread_;
};

// Opens what was restored as a server will, and ends the backup's own operation in it, which was running at that moment.
absl::Status OpenOnce(const std::string& directory, const v1::BackupSet& set) {
  index::StoreOptions options;
  options.path = directory + "/store";
  MIXMATCH_ASSIGN_OR_RETURN(const std::unique_ptr<index::Store> store, index::Store::Open(options));
  const auto manifest = store->GetManifest();
  if (!manifest.ok() && !absl::IsNotFound(manifest.status())) return manifest.status();
  if ((manifest.ok() ? manifest->generation() : 0) != set.generation()) {
    return absl::DataLossError("backup: its store is of another moment than its published files; use another backup");
  }
  std::vector<storage::v1::OperationRecord> running;
  MIXMATCH_RETURN_IF_ERROR(store->ForEachOperation([&](const storage::v1::OperationRecord& record) {
    if (record.operation().state() == v1::OPERATION_STATE_RUNNING && record.has_backup()) running.push_back(record);
    return true;
  }));
  std::unique_ptr<index::StoreBatch> batch = store->NewBatch();
  for (storage::v1::OperationRecord& record : running) {
    v1::Operation& operation = *record.mutable_operation();
    operation.set_state(v1::OPERATION_STATE_SUCCEEDED);
    operation.set_done(operation.total());
    *operation.mutable_end_time() = set.create_time();
    *operation.mutable_backup() = set;
    batch->PutOperation(record);
  }
  return store->Commit(std::move(batch), /*sync=*/true);
}

}  // namespace

absl::Status CheckNotHalfRestored(const std::string& data_dir) {
  std::error_code error;
  if (!fs::exists(RestoringIn(data_dir), error)) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("--data-dir: a restore into ", data_dir, " did not end; run mixmatchd restore again"));
}

absl::StatusOr<v1::BackupSet> Restore(const RestoreRequest& request, const RestoreProgress& progress) {
  MIXMATCH_ASSIGN_OR_RETURN(const std::string name, BackupFolderName(request.folder));
  MIXMATCH_ASSIGN_OR_RETURN(const std::unique_ptr<BackupFolder> folder,
                            BackupFolder::OpenReadOnly(absl::StrCat(request.backup_dir, "/", name)));
  MIXMATCH_ASSIGN_OR_RETURN(const BackupFolder::Record record, folder->Read(request.backup_id));
  const v1::BackupSet& set = record.set();
  const auto reporter = [&](const std::string& doing) {
    return [&progress, &set, doing, bytes = uint64_t{0}](uint64_t more) mutable {
      bytes += more;
      progress(doing, std::min<uint64_t>(bytes, set.bytes()), set.bytes());
      return true;
    };
  };
  std::unique_ptr<LockedDirectory> lock;
  if (!request.verify_only) MIXMATCH_RETURN_IF_ERROR(Prepare(request.data_dir, lock));
  const std::string restoring = RestoringIn(request.data_dir);
  absl::Cleanup forget = [&] {
    std::error_code error;
    if (!request.verify_only) fs::remove_all(restoring, error);
  };
  progress("checking", 0, set.bytes());
  MIXMATCH_RETURN_IF_ERROR(folder->Verify(record, reporter("checking")));
  if (request.verify_only) return set;
  {
    const GrowthWatch watch(restoring, [&](uint64_t bytes) {
      progress("copying", std::min<uint64_t>(bytes, set.bytes()), set.bytes());
    });
    MIXMATCH_RETURN_IF_ERROR(folder->Restore(record, restoring, [](uint64_t) { return true; }));
  }
  progress("opening", set.bytes(), set.bytes());
  MIXMATCH_RETURN_IF_ERROR(OpenOnce(restoring, set));
  std::move(forget).Cancel();  // From here on parts are in their place: the folder says that they are not all.
  for (const char* moved : kMoved) {
    std::error_code error;
    const std::string from = absl::StrCat(restoring, "/", moved);
    if (!fs::exists(from, error)) continue;
    MIXMATCH_RETURN_IF_ERROR(RenameDurably(from, absl::StrCat(request.data_dir, "/", moved)));
  }
  std::error_code error;
  fs::remove_all(restoring, error);
  MIXMATCH_RETURN_IF_ERROR(SyncDirectory(request.data_dir));
  return set;
}

}  // namespace mixmatch::server
