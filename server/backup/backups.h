// Backups of the running server: the operation that makes one, and what there is.
#ifndef MIXMATCH_SERVER_BACKUP_BACKUPS_H_
#define MIXMATCH_SERVER_BACKUP_BACKUPS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "index/store/store.h"
#include "mixmatch/v1/admin_service.pb.h"
#include "server/backup/backup_options.h"
#include "server/catalog.h"
#include "server/checkpoint.h"
#include "server/learner.h"
#include "server/operations.h"

namespace mixmatch::server {

// Thread-safe. FAILED_PRECONDITION of everything without --backup-dir.
//
// A backup is the store at one moment and the files of the generation that serves at that moment: a checkpoint is written
// and the copy of the store begun on the learner's thread, so that nothing is published in between. Neither uploads nor
// searches wait; publications wait until the copy has begun, not until it is made.
class Backups {
 public:
  static constexpr char kKind[] = "backup";

  Backups(const BackupOptions& options, const std::string& data_dir, index::Store& store, const Catalog& catalog,
          Checkpoint& checkpoint, Learner& learner)
      : options_(options), data_dir_(data_dir), store_(store), catalog_(catalog), checkpoint_(checkpoint),
        learner_(learner) {}

  // What Operations::Begin takes. INVALID_ARGUMENT: a bad folder.
  absl::StatusOr<storage::v1::OperationRecord> Prepare(const v1::BackupRequest& request) const;
  absl::Status Run(OperationRun& run);

  // Newest first.
  absl::StatusOr<std::vector<v1::BackupSet>> List(const v1::ListBackupsRequest& request) const;
  // FAILED_PRECONDITION while a backup of the folder is made. NOT_FOUND: no such backup.
  absl::Status Delete(const v1::DeleteBackupRequest& request);

 private:
  absl::StatusOr<std::string> Path(const std::string& folder) const;

  const BackupOptions options_;
  const std::string data_dir_;
  index::Store& store_;
  const Catalog& catalog_;
  Checkpoint& checkpoint_;
  Learner& learner_;
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_BACKUP_BACKUPS_H_
