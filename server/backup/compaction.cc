#include "server/backup/compaction.h"

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "index/store/store_check.h"
#include "proto/base/status_macros.h"

namespace mixmatch::server {

absl::Status RunCompaction(index::Store& store, const std::string& data_dir, OperationRun& run) {
  MIXMATCH_ASSIGN_OR_RETURN(const uint64_t bytes, store.DiskBytes());
  std::error_code error;
  const std::filesystem::space_info space = std::filesystem::space(data_dir, error);
  if (!error && space.available < bytes) {
    return absl::ResourceExhaustedError(absl::StrCat("compact: ", space.available, " bytes of disk are free, wanted ", bytes,
                                                     ", for the store is written anew beside itself; free some space"));
  }
  return index::Compact(store, run.stop(), [&](int done, int total) { run.SetProgress(done, total); });
}

}  // namespace mixmatch::server
