// StoreBackups over RocksDB's BackupEngine.
#include <atomic>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "index/store/rocks_status.h"
#include "index/store/rocks_store.h"
#include "index/store/store_backup.h"
#include "proto/base/status_macros.h"
#include "rocksdb/utilities/backup_engine.h"

namespace mixmatch::index {
namespace {

// Small, so that the first report, which tells that the files to copy have been chosen, comes at once.
constexpr uint64_t kReportBytes = 64 << 10;

rocksdb::BackupEngineOptions EngineOptions(const std::string& folder) {
  rocksdb::BackupEngineOptions options(folder);
  options.callback_trigger_interval_size = kReportBytes;
  return options;
}

absl::Status FromBackup(const rocksdb::Status& status, const std::string& folder) {
  if (status.IsCorruption()) {
    return absl::DataLossError(absl::StrCat("backup: a file in ", folder, " is damaged or gone: ", status.ToString(),
                                            "; use another backup, and make a new one in another folder"));
  }
  if (status.IsNotFound()) {
    return absl::NotFoundError(absl::StrCat("backup: no such backup in ", folder, "; see ListBackups"));
  }
  if (status.IsIncomplete()) return absl::CancelledError("backup: cancelled");
  return FromRocks(status, absl::StrCat("backup: ", folder));
}

template <typename Engine>
class RocksBackupsBase : public StoreBackups {
 public:
  RocksBackupsBase(std::string folder, std::unique_ptr<Engine> engine)
      : folder_(std::move(folder)), engine_(std::move(engine)) {}

  std::vector<StoreBackup> List() const override {
    std::vector<rocksdb::BackupInfo> all;
    engine_->GetBackupInfo(&all);
    std::vector<StoreBackup> result;
    for (const rocksdb::BackupInfo& one : all) result.push_back({one.backup_id, one.size});
    return result;
  }

  absl::Status Verify(uint32_t id) const override {
    return FromBackup(engine_->VerifyBackup(id, /*verify_with_checksum=*/true), folder_);
  }

  absl::Status Restore(uint32_t id, const std::string& path) const override {
    return FromBackup(engine_->RestoreDBFromBackup(rocksdb::RestoreOptions(), id, path, path), folder_);
  }

 protected:
  const std::string folder_;
  const std::unique_ptr<Engine> engine_;
};

class RocksBackupsReader final : public RocksBackupsBase<rocksdb::BackupEngineReadOnly> {
 public:
  using RocksBackupsBase::RocksBackupsBase;
  absl::StatusOr<StoreBackup> Create(Store&, const StoreBackupHooks&) override { return ReadOnly(); }
  absl::Status Delete(uint32_t) override { return ReadOnly(); }
  absl::Status CollectGarbage() override { return ReadOnly(); }

 private:
  static absl::Status ReadOnly() { return absl::FailedPreconditionError("backup: opened to read only"); }
};

class RocksBackups final : public RocksBackupsBase<rocksdb::BackupEngine> {
 public:
  using RocksBackupsBase::RocksBackupsBase;

  absl::StatusOr<StoreBackup> Create(Store& store, const StoreBackupHooks& hooks) override {
    std::atomic<bool> passed{false};
    const auto pass = [&] {
      if (!passed.exchange(true)) hooks.moment_passed();
    };
    uint64_t copied = 0;  // One thread copies.
    rocksdb::CreateBackupOptions options;
    options.flush_before_backup = true;
    options.decrease_background_thread_cpu_priority = true;
    options.background_thread_cpu_priority = rocksdb::CpuPriority::kLow;
    options.progress_callback = [&] {
      pass();
      copied += kReportBytes;
      if (!hooks.progress(copied)) engine_->StopBackup();
    };
    rocksdb::BackupID id = 0;
    const rocksdb::Status made =
        engine_->CreateNewBackupWithMetadata(options, static_cast<RocksStore&>(store).db(), "", &id);
    pass();
    MIXMATCH_RETURN_IF_ERROR(FromBackup(made, folder_));
    rocksdb::BackupInfo backup;
    MIXMATCH_RETURN_IF_ERROR(FromBackup(engine_->GetBackupInfo(id, &backup), folder_));
    return StoreBackup{id, backup.size};
  }

  absl::Status Delete(uint32_t id) override { return FromBackup(engine_->DeleteBackup(id), folder_); }
  absl::Status CollectGarbage() override { return FromBackup(engine_->GarbageCollect(), folder_); }
};

}  // namespace

absl::StatusOr<std::unique_ptr<StoreBackups>> StoreBackups::Open(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    return absl::FailedPreconditionError(
        absl::StrCat("backup: cannot make ", folder, ": ", error.message(), "; give a folder that can be written"));
  }
  rocksdb::BackupEngine* engine = nullptr;
  MIXMATCH_RETURN_IF_ERROR(
      FromBackup(rocksdb::BackupEngine::Open(EngineOptions(folder), rocksdb::Env::Default(), &engine), folder));
  return std::make_unique<RocksBackups>(folder, std::unique_ptr<rocksdb::BackupEngine>(engine));
}

absl::StatusOr<std::unique_ptr<StoreBackups>> StoreBackups::OpenReadOnly(const std::string& folder) {
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error)) {
    return absl::NotFoundError(absl::StrCat("backup: no folder ", folder));
  }
  rocksdb::BackupEngineReadOnly* engine = nullptr;
  MIXMATCH_RETURN_IF_ERROR(
      FromBackup(rocksdb::BackupEngineReadOnly::Open(EngineOptions(folder), rocksdb::Env::Default(), &engine), folder));
  return std::make_unique<RocksBackupsReader>(folder, std::unique_ptr<rocksdb::BackupEngineReadOnly>(engine));
}

}  // namespace mixmatch::index
