// Makes a data directory of a backup.
#ifndef MIXMATCH_SERVER_BACKUP_RESTORE_H_
#define MIXMATCH_SERVER_BACKUP_RESTORE_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "mixmatch/v1/admin_service.pb.h"

namespace mixmatch::server {

struct RestoreRequest {
  std::string backup_dir;          // As the server's --backup-dir.
  std::string folder = "default";
  uint32_t backup_id = 0;          // 0: the newest.
  std::string data_dir;            // Empty, or not there yet. Not looked at with verify_only.
  bool verify_only = false;        // Only read the backup and compare checksums.
};

// Told what is being done, and how many bytes of how many of it are done.
using RestoreProgress = std::function<void(const std::string& doing, uint64_t bytes, uint64_t total)>;

// Everything is read and compared before anything is written. The data directory is made in a folder "restoring" within
// itself, opened once to see that it is whole, and only then moved to its place: a restore that is cut short leaves a
// directory that no server opens and that the next restore clears. NOT_FOUND: no such backup. DATA_LOSS: it is damaged.
// FAILED_PRECONDITION: the data directory is not empty, or another restore works on it. RESOURCE_EXHAUSTED: the disk is
// full.
absl::StatusOr<v1::BackupSet> Restore(const RestoreRequest& request, const RestoreProgress& progress);

// FAILED_PRECONDITION if a restore into it was cut short.
absl::Status CheckNotHalfRestored(const std::string& data_dir);

// `mixmatchd restore ...`, arguments as of main: its exit status.
int RestoreMain(int argc, char** argv);

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_BACKUP_RESTORE_H_
