// A published encoder as one file: what ExportCheckpoint gives and ImportCheckpoint takes.
//
// It is the trunk's safetensors file with two more arrays, "checkpoint.head" (the head maps, as they are stored) and
// "checkpoint.trainer" (the training state, where there is one), and what they are in the metadata; one checksum over all.
// So it is read wherever a trunk's file is: `mixmatchd --init` takes it too.
#ifndef MIXMATCH_SERVER_BACKUP_CHECKPOINT_ARCHIVE_H_
#define MIXMATCH_SERVER_BACKUP_CHECKPOINT_ARCHIVE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "model/trunk/trunk.h"
#include "server/live_index.h"

namespace mixmatch::server {

struct CheckpointArchive {
  std::shared_ptr<const model::Trunk> trunk;
  uint64_t steps = 0;  // Of training behind it, as far as the file says.
};

// `trainer` may be empty.
absl::StatusOr<std::string> WriteArchive(const Serving& serving, uint64_t steps, absl::string_view trainer);

// A trunk's own file will do. Bytes may be hostile. INVALID_ARGUMENT: damaged, or not such a file.
absl::StatusOr<CheckpointArchive> ReadArchive(absl::string_view bytes);

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_BACKUP_CHECKPOINT_ARCHIVE_H_
