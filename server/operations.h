// Work that takes long, on a thread of its own: one operation at a time, with progress, cancel, and going on after a
// restart. What is done is each kind's own business, see reindex.h and backup/.
#ifndef MIXMATCH_SERVER_OPERATIONS_H_
#define MIXMATCH_SERVER_OPERATIONS_H_

#include <atomic>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "index/store/store.h"
#include "mixmatch/storage/v1/records.pb.h"

namespace mixmatch::server {

class Operations;

// The operation under way, as its work sees it. Thread-safe.
class OperationRun {
 public:
  OperationRun(Operations& operations, uint64_t number) : operations_(operations), number_(number) {}

  storage::v1::OperationRecord record() const;
  std::string id() const { return record().operation().operation_id(); }
  // True when it was cancelled or the server stops.
  std::atomic<bool>& stop();
  // CANCELLED when it is to stop.
  absl::Status Check();
  // Waits; CANCELLED as soon as it is to stop.
  absl::Status Rest(absl::Duration duration);

  void SetProgress(uint64_t done, uint64_t total);
  // Beyond 1,000 findings are only counted.
  void AddFinding(v1::Finding finding);
  void SetBackup(const v1::BackupSet& set);
  // Where a restart goes on: stored, not synced.
  absl::Status Note(uint64_t next_part_id);

 private:
  Operations& operations_;
  const uint64_t number_;
};

// Does the work; its status becomes the operation's.
using OperationWork = std::function<absl::Status(OperationRun&)>;

// Thread-safe.
class Operations {
 public:
  explicit Operations(index::Store& store) : store_(store) {}
  ~Operations();  // Stops.

  // A kind that can be started by name, and that a restart of the server starts again with its record. Before Start.
  void Add(const std::string& kind, OperationWork work) { works_[kind] = std::move(work); }

  // Reads operations from the store and goes on with one that was running; one of a kind that was not added has failed.
  absl::Status Start();
  // Operations under way stop soon; they go on after the next start.
  void Stop();

  // `request` has what was asked, and where to begin. `work` is for kinds that were not added. FAILED_PRECONDITION while
  // another runs, with its id.
  absl::StatusOr<v1::Operation> Begin(const std::string& kind, storage::v1::OperationRecord request,
                                      OperationWork work = nullptr);

  // NOT_FOUND: no such operation.
  absl::StatusOr<v1::Operation> Get(const std::string& id) const;
  absl::StatusOr<storage::v1::OperationRecord> GetRecord(const std::string& id) const;
  absl::StatusOr<v1::Operation> Cancel(const std::string& id);
  absl::StatusOr<v1::Operation> Wait(const std::string& id, absl::Time deadline) const;
  std::vector<v1::Operation> List() const;  // Newest first.

 private:
  friend class OperationRun;
  using Record = storage::v1::OperationRecord;
  void Run(uint64_t number, const OperationWork& work);
  absl::Status Put(uint64_t number, bool sync) const;  // As it is in records_.
  const Record* Find(const std::string& id) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);

  index::Store& store_;
  std::map<std::string, OperationWork> works_;  // By kind; not changed after Start.
  mutable absl::Mutex mutex_;
  std::map<uint64_t, Record> records_ ABSL_GUARDED_BY(mutex_);  // By the number in the id.
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::atomic<bool> stop_{false};  // The operation under way is to stop.
  std::thread thread_;
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_OPERATIONS_H_
