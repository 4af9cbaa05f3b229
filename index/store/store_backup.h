// Copies of a store in a folder. Copies of one folder share the files that they have in common.
#ifndef MIXMATCH_INDEX_STORE_STORE_BACKUP_H_
#define MIXMATCH_INDEX_STORE_STORE_BACKUP_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/store/store.h"

namespace mixmatch::index {

struct StoreBackup {
  uint32_t id = 0;      // From 1 on; later copies have larger ids.
  uint64_t bytes = 0;   // Of the files that it refers to, shared ones too.
};

struct StoreBackupHooks {
  // Called once, on another thread, when the moment that is copied is past: what is committed afterwards is not in it.
  std::function<void()> moment_passed = [] {};
  // Called often while bytes are copied, with their number so far; false ends the copy with CANCELLED.
  std::function<bool(uint64_t copied_bytes)> progress = [](uint64_t) { return true; };
};

// One object a folder at a time that writes. A copy that was cut short leaves files behind that no copy refers to: they go
// with CollectGarbage() and harm nothing. Errors: RESOURCE_EXHAUSTED: the disk is full; NOT_FOUND: no such copy; DATA_LOSS:
// damaged.
class StoreBackups {
 public:
  // Makes the folder if it is not there.
  static absl::StatusOr<std::unique_ptr<StoreBackups>> Open(const std::string& folder);
  // Changes nothing in the folder: only List, Verify and Restore may be called. NOT_FOUND: no such folder.
  static absl::StatusOr<std::unique_ptr<StoreBackups>> OpenReadOnly(const std::string& folder);
  virtual ~StoreBackups() = default;

  // Copies the store as it is at one moment, soon after the call, synced to disk when it returns. Reads and writes of the
  // store go on meanwhile. What is in memory alone is written to files first, so that later copies share it.
  virtual absl::StatusOr<StoreBackup> Create(Store& store, const StoreBackupHooks& hooks) = 0;
  virtual absl::Status Delete(uint32_t id) = 0;
  virtual absl::Status CollectGarbage() = 0;

  // Those that can be read, ascending by id.
  virtual std::vector<StoreBackup> List() const = 0;
  // Reads all files of a copy and compares their checksums.
  virtual absl::Status Verify(uint32_t id) const = 0;
  // Makes a store directory of a copy. `path` is made; nothing of value may be there.
  virtual absl::Status Restore(uint32_t id, const std::string& path) const = 0;
};

}  // namespace mixmatch::index

#endif  // MIXMATCH_INDEX_STORE_STORE_BACKUP_H_
