// Where backups go.
#ifndef MIXMATCH_SERVER_BACKUP_BACKUP_OPTIONS_H_
#define MIXMATCH_SERVER_BACKUP_BACKUP_OPTIONS_H_

#include <cstdint>
#include <string>

namespace mixmatch::server {

struct BackupOptions {
  std::string directory;                      // --backup-dir: backups are folders below it; empty: no backups.
  int64_t max_checkpoint_bytes = 512 << 20;   // --max-checkpoint-bytes: of an imported checkpoint, held in memory.
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_BACKUP_BACKUP_OPTIONS_H_
