#include "index/store/rocks_status.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace mixmatch::index {

absl::Status FromRocks(const rocksdb::Status& status, absl::string_view where) {
  if (status.ok()) return absl::OkStatus();
  const std::string got = status.ToString();
  if (status.IsNotFound()) return absl::NotFoundError(absl::StrCat(where, ": no such record"));
  if (status.IsNoSpace()) {
    return absl::ResourceExhaustedError(absl::StrCat(where, ": the disk is full; free some space and try again: ", got));
  }
  if (status.IsIOError() && (absl::StrContains(got, "/LOCK") || absl::StrContains(got, "lock hold by"))) {
    return absl::FailedPreconditionError(
        absl::StrCat(where, ": another process has it open; stop that one or give another data directory: ", got));
  }
  if (status.IsCorruption() || (status.IsIOError() && status.subcode() == rocksdb::Status::kPathNotFound)) {
    return absl::DataLossError(absl::StrCat(where, ": damaged; restore the directory from a backup: ", got));
  }
  if (status.IsIOError()) {
    return absl::InternalError(absl::StrCat(where, ": the disk failed; see to it, then restart the server, which takes no "
                                            "writes until then if one failed: ", got));
  }
  return absl::InternalError(absl::StrCat(where, ": ", got));
}

}  // namespace mixmatch::index
