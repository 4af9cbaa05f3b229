// The operation that rewrites the store without what was deleted or replaced.
#ifndef MIXMATCH_SERVER_BACKUP_COMPACTION_H_
#define MIXMATCH_SERVER_BACKUP_COMPACTION_H_

#include "absl/status/status.h"
#include "index/store/store.h"
#include "server/operations.h"

namespace mixmatch::server {

inline constexpr char kCompactKind[] = "compact";

// RESOURCE_EXHAUSTED, before anything is written, if the disk has less free space than the store takes.
absl::Status RunCompaction(index::Store& store, const std::string& data_dir, OperationRun& run);

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_BACKUP_COMPACTION_H_
