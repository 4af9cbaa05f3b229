// A folder of backups on disk: a copy of the store each, the published files, and a record that says what belongs together.
//
//   store/         copies of the store, which share files (index/store/store_backup.h)
//   files/<hex>    published files, named by their SHA-256, so that backups share them too
//   sets/<id>      the record of backup <id>, then the SHA-256 of the record: written last, removed first
//   LOCK           held by the process that writes
//
// What no record names was left by a backup that was cut short: it harms nothing and goes with the next one.
#ifndef MIXMATCH_SERVER_BACKUP_BACKUP_FOLDER_H_
#define MIXMATCH_SERVER_BACKUP_BACKUP_FOLDER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/store/store_backup.h"
#include "mixmatch/storage/v1/records.pb.h"

namespace mixmatch::server {

// Errors: RESOURCE_EXHAUSTED: the disk is full; DATA_LOSS: damaged, with what to do; CANCELLED by `progress`.
class BackupFolder {
 public:
  using Record = storage::v1::BackupRecord;
  // Told the bytes read or written with each step; false cancels.
  using Progress = std::function<bool(uint64_t bytes)>;

  // To write: makes it if it is not there. FAILED_PRECONDITION: another process writes to it.
  static absl::StatusOr<std::unique_ptr<BackupFolder>> Open(const std::string& path);
  // Changes nothing there. NOT_FOUND: no such folder.
  static absl::StatusOr<std::unique_ptr<BackupFolder>> OpenReadOnly(const std::string& path);
  ~BackupFolder();
  BackupFolder(const BackupFolder&) = delete;
  BackupFolder& operator=(const BackupFolder&) = delete;

  // Records of whole backups, the newest first, without opening the copies. Damaged records are left out.
  static std::vector<Record> List(const std::string& path);
  // NOT_FOUND: no such backup. DATA_LOSS: its record is damaged. 0 is the newest whose record can be read.
  absl::StatusOr<Record> Read(uint32_t id) const;

  // Adds a file to files/, if it is not there yet, and says how it is to be recorded as `name`.
  absl::StatusOr<storage::v1::GenerationFile> AddFile(const std::string& source, const std::string& name,
                                                      const Progress& progress);
  // From here on the backup exists: `record.set().backup_id()` is that of its copy of the store, all its files are there.
  absl::Status Commit(const Record& record);
  // NOT_FOUND: no such backup.
  absl::Status Remove(uint32_t id);
  // Removes what no record names. Not while a backup is made.
  absl::Status CollectGarbage();

  // Reads everything of a backup and compares checksums. DATA_LOSS names what is damaged.
  absl::Status Verify(const Record& record, const Progress& progress) const;
  // Makes `data_dir`/store and the published files.
  absl::Status Restore(const Record& record, const std::string& data_dir, const Progress& progress) const;

  index::StoreBackups& store() { return *store_; }
  uint64_t BytesOnDisk() const;

 private:
  explicit BackupFolder(std::string path) : path_(std::move(path)) {}
  static absl::StatusOr<Record> ReadRecord(const std::string& path, uint32_t id);
  static std::vector<uint32_t> Ids(const std::string& path);
  std::string FilePath(const storage::v1::GenerationFile& file) const;

  const std::string path_;
  int lock_ = -1;
  std::unique_ptr<index::StoreBackups> store_;
};

// Names of folders: 1 to 64 of a-z, 0-9, '-', '_'; empty means "default". INVALID_ARGUMENT.
absl::StatusOr<std::string> BackupFolderName(const std::string& requested);

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_BACKUP_BACKUP_FOLDER_H_
