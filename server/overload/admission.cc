#include "server/overload/admission.h"

#include <algorithm>
#include <initializer_list>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "server/rpc/retry_after.h"

namespace mixmatch::server {
namespace {

constexpr absl::Duration kMemoryWait = absl::Seconds(1);
constexpr absl::Duration kDiskWait = absl::Seconds(10);

bool IsOneOf(absl::string_view name, std::initializer_list<absl::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Writes that a full disk must not hold up: they are small, and some give space back.
bool NeedsNoDisk(absl::string_view name) {
  return absl::StartsWith(name, "AccessService/") ||
         IsOneOf(name, {"ItemService/Delete", "LearningService/Pause", "LearningService/Resume"});
}

bool TakesMuchMemory(absl::string_view name) {
  return IsOneOf(name, {"ItemService/Upload", "ItemService/Live", "AdminService/Reindex", "AdminService/ImportCheckpoint",
                        "LearningService/CompareTrunks"});
}

bool TakesSomeMemory(absl::string_view name) {
  return absl::StartsWith(name, "SearchService/") || IsOneOf(name, {"ItemService/Download", "ItemService/List"});
}

int64_t Mebibytes(int64_t bytes) { return bytes >> 20; }

}  // namespace

absl::Status Admission::Admit(Call& call) {
  if (!call.rpc.writes) return Check(call.rpc);
  if (!drain_.BeginWrite()) {
    ++drained_;
    return absl::UnavailableError(
        "server: is drained and takes no writes; searches go on. Write to another server, or end it with "
        "`mixmatch admin drain --off`");
  }
  absl::Status status = Check(call.rpc);
  if (!status.ok()) drain_.EndWrite();
  return status;
}

void Admission::Left(const Call& call) {
  if (call.rpc.writes) drain_.EndWrite();
}

absl::Status Admission::Check(const Rpc& rpc) {
  if (rpc.writes && !NeedsNoDisk(rpc.name) && headroom_.disk_low()) {
    ++no_disk_;
    return TryAgainAfter(kDiskWait, absl::StrCat("server: ", Mebibytes(headroom_.reading().disk_free),
                                                 " MiB are free on its disk and ", Mebibytes(headroom_.min_free()),
                                                 " MiB are kept free, so it takes no writes; searches go on. Delete items, "
                                                 "make room, or lower --min-free-bytes"));
  }
  const Headroom::Memory memory = headroom_.memory();
  if (memory == Headroom::Memory::kEnough) return absl::OkStatus();
  const bool refused =
      TakesMuchMemory(rpc.name) || (memory == Headroom::Memory::kNone && TakesSomeMemory(rpc.name));
  if (!refused) return absl::OkStatus();
  ++no_memory_;
  return TryAgainAfter(kMemoryWait, absl::StrCat("server: has taken ", Mebibytes(headroom_.reading().memory), " MiB of the ",
                                                 Mebibytes(headroom_.max_memory()),
                                                 " MiB of memory that it may; try again in a moment, or raise "
                                                 "--max-memory-bytes"));
}

}  // namespace mixmatch::server
