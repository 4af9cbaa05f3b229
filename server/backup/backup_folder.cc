#include "server/backup/backup_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "proto/base/sha256.h"
#include "proto/base/status_macros.h"
#include "server/durable_files.h"

namespace mixmatch::server {
namespace {

namespace fs = std::filesystem;

constexpr size_t kDigestBytes = 32;
constexpr size_t kMostNameBytes = 64;

std::string Digest(absl::string_view bytes) {
  Sha256 hash;
  hash.Update(bytes);
  return hash.Finish();
}

std::string SetPath(const std::string& folder, uint32_t id) { return absl::StrCat(folder, "/sets/", id); }

// A record names files of a data directory; a forged one must not name others.
bool IsBelow(const std::string& name) {
  if (name.empty() || name[0] == '/') return false;
  for (absl::string_view step : absl::StrSplit(name, '/')) {
    if (step.empty() || step == "." || step == "..") return false;
  }
  return absl::StartsWith(name, "generations/") || absl::StartsWith(name, "trunks/");
}

absl::Status Damaged(const std::string& what) {
  return absl::DataLossError(absl::StrCat("backup: ", what, "; use another backup, and make a new one in another folder"));
}

}  // namespace

absl::StatusOr<std::string> BackupFolderName(const std::string& requested) {
  if (requested.empty()) return std::string("default");
  const bool good = requested.size() <= kMostNameBytes &&
                    std::all_of(requested.begin(), requested.end(), [](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
                    });
  if (!good) return absl::InvalidArgumentError("folder: wanted 1 to 64 of a-z, 0-9, '-' and '_'");
  return requested;
}

absl::StatusOr<std::unique_ptr<BackupFolder>> BackupFolder::Open(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) {
    return absl::FailedPreconditionError(
        absl::StrCat("backup: cannot make ", path, ": ", error.message(), "; give a folder that can be written"));
  }
  std::unique_ptr<BackupFolder> folder(new BackupFolder(path));
  const std::string lock = path + "/LOCK";
  folder->lock_ = open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (folder->lock_ < 0) return absl::FailedPreconditionError(absl::StrCat("backup: cannot write to ", path));
  if (flock(folder->lock_, LOCK_EX | LOCK_NB) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("backup: another process writes to ", path, "; wait for it, or use another folder"));
  }
  MIXMATCH_ASSIGN_OR_RETURN(folder->store_, index::StoreBackups::Open(path + "/store"));
  return folder;
}

absl::StatusOr<std::unique_ptr<BackupFolder>> BackupFolder::OpenReadOnly(const std::string& path) {
  std::error_code error;
  if (!fs::is_directory(path + "/sets", error)) {
    return absl::NotFoundError(absl::StrCat("backup: there are no backups in ", path, "; look at --backup-dir and --folder"));
  }
  std::unique_ptr<BackupFolder> folder(new BackupFolder(path));
  MIXMATCH_ASSIGN_OR_RETURN(folder->store_, index::StoreBackups::OpenReadOnly(path + "/store"));
  return folder;
}

BackupFolder::~BackupFolder() {
  if (lock_ >= 0) close(lock_);
}

std::vector<uint32_t> BackupFolder::Ids(const std::string& path) {
  std::vector<uint32_t> ids;
  std::error_code error;
  for (fs::directory_iterator entry(path + "/sets", error), end; !error && entry != end; entry.increment(error)) {
    uint32_t id = 0;
    if (absl::SimpleAtoi(entry->path().filename().string(), &id) && id > 0) ids.push_back(id);
  }
  std::sort(ids.rbegin(), ids.rend());
  return ids;
}

absl::StatusOr<BackupFolder::Record> BackupFolder::ReadRecord(const std::string& path, uint32_t id) {
  auto bytes = ReadWhole(SetPath(path, id));
  if (absl::IsNotFound(bytes.status())) {
    return absl::NotFoundError(absl::StrCat("backup: no backup ", id, " in ", path, "; see ListBackups"));
  }
  MIXMATCH_RETURN_IF_ERROR(bytes.status());
  const absl::string_view all = *bytes;
  Record record;
  const size_t size = all.size() < kDigestBytes ? 0 : all.size() - kDigestBytes;
  const bool whole = size > 0 && Digest(all.substr(0, size)) == all.substr(size) &&
                     record.ParseFromArray(all.data(), static_cast<int>(size)) && record.set().backup_id() == id;
  for (const storage::v1::GenerationFile& file : record.files()) {
    if (!IsBelow(file.path()) || file.sha256().size() != kDigestBytes) return Damaged(SetPath(path, id) + " is damaged");
  }
  if (!whole) return Damaged(SetPath(path, id) + " is damaged");
  return record;
}

std::vector<BackupFolder::Record> BackupFolder::List(const std::string& path) {
  std::vector<Record> records;
  for (uint32_t id : Ids(path)) {
    auto record = ReadRecord(path, id);
    if (record.ok()) records.push_back(*std::move(record));
  }
  return records;
}

absl::StatusOr<BackupFolder::Record> BackupFolder::Read(uint32_t id) const {
  if (id != 0) return ReadRecord(path_, id);
  std::vector<Record> records = List(path_);
  if (records.empty()) return absl::NotFoundError(absl::StrCat("backup: there is no whole backup in ", path_));
  return std::move(records.front());
}

std::string BackupFolder::FilePath(const storage::v1::GenerationFile& file) const {
  return absl::StrCat(path_, "/files/", absl::BytesToHexString(file.sha256()));
}

absl::StatusOr<storage::v1::GenerationFile> BackupFolder::AddFile(const std::string& source, const std::string& name,
                                                                  const Progress& progress) {
  storage::v1::GenerationFile file;
  file.set_path(name);
  std::error_code error;
  file.set_size(fs::file_size(source, error));
  if (error) return absl::NotFoundError(absl::StrCat("backup: cannot read ", source, ": ", error.message()));
  MIXMATCH_ASSIGN_OR_RETURN(*file.mutable_sha256(), HashFile(source));
  const std::string to = FilePath(file);
  if (fs::file_size(to, error) == file.size() && !error) {
    return progress(file.size()) ? absl::StatusOr<storage::v1::GenerationFile>(file) : absl::CancelledError("cancelled");
  }
  MIXMATCH_RETURN_IF_ERROR(CopyDurably(source, to, file.sha256(), progress));
  return file;
}

absl::Status BackupFolder::Commit(const Record& record) {
  std::string bytes = record.SerializeAsString();
  bytes += Digest(bytes);
  return WriteDurably(SetPath(path_, record.set().backup_id()), bytes);
}

absl::Status BackupFolder::Remove(uint32_t id) {
  const std::string path = SetPath(path_, id);
  if (unlink(path.c_str()) != 0) {
    return absl::NotFoundError(absl::StrCat("backup_id: no backup ", id, " in this folder; see ListBackups"));
  }
  MIXMATCH_RETURN_IF_ERROR(SyncDirectory(path_ + "/sets"));
  return CollectGarbage();
}

absl::Status BackupFolder::CollectGarbage() {
  // A damaged record still keeps its copy, for whoever wants to look; its files cannot be known, so then none goes.
  bool all_known = true;
  absl::flat_hash_set<std::string> named;
  const std::vector<uint32_t> ids = Ids(path_);
  for (uint32_t id : ids) {
    const auto record = ReadRecord(path_, id);
    all_known = all_known && record.ok();
    if (!record.ok()) continue;
    for (const storage::v1::GenerationFile& file : record->files()) named.insert(absl::BytesToHexString(file.sha256()));
  }
  const std::vector<index::StoreBackup> copies = store_->List();
  for (const index::StoreBackup& copy : copies) {
    if (std::find(ids.begin(), ids.end(), copy.id) == ids.end()) MIXMATCH_RETURN_IF_ERROR(store_->Delete(copy.id));
  }
  MIXMATCH_RETURN_IF_ERROR(store_->CollectGarbage());
  if (!all_known) return absl::OkStatus();
  std::error_code error;
  std::vector<fs::path> strays;
  for (fs::directory_iterator file(path_ + "/files", error), end; !error && file != end; file.increment(error)) {
    if (!named.contains(file->path().filename().string())) strays.push_back(file->path());
  }
  for (const fs::path& stray : strays) fs::remove(stray, error);
  for (fs::directory_iterator file(path_ + "/sets", error), end; !error && file != end; file.increment(error)) {
    if (file->path().extension() == ".tmp") fs::remove(file->path(), error);
  }
  return absl::OkStatus();
}

absl::Status BackupFolder::Verify(const Record& record, const Progress& progress) const {
  MIXMATCH_RETURN_IF_ERROR(store_->Verify(record.set().backup_id()));
  uint64_t bytes = 0;
  for (const storage::v1::GenerationFile& file : record.files()) bytes += file.size();
  if (!progress(record.set().bytes() - std::min(bytes, record.set().bytes()))) return absl::CancelledError("cancelled");
  for (const storage::v1::GenerationFile& file : record.files()) {
    auto digest = HashFile(FilePath(file), progress);
    if (absl::IsNotFound(digest.status())) return Damaged(FilePath(file) + " is gone");
    MIXMATCH_RETURN_IF_ERROR(digest.status());
    if (*digest != file.sha256()) return Damaged(FilePath(file) + " is damaged");
  }
  return absl::OkStatus();
}

absl::Status BackupFolder::Restore(const Record& record, const std::string& data_dir, const Progress& progress) const {
  for (const storage::v1::GenerationFile& file : record.files()) {
    MIXMATCH_RETURN_IF_ERROR(
        CopyDurably(FilePath(file), absl::StrCat(data_dir, "/", file.path()), file.sha256(), progress));
  }
  std::error_code error;
  fs::create_directories(data_dir + "/store", error);
  MIXMATCH_RETURN_IF_ERROR(store_->Restore(record.set().backup_id(), data_dir + "/store"));
  return SyncDirectory(data_dir + "/store");
}

uint64_t BackupFolder::BytesOnDisk() const { return BytesBelow(path_); }

}  // namespace mixmatch::server
