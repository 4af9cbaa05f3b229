// Work that takes long, on a thread of its own: reindexing, with progress, cancel, and going on after a restart.
#ifndef MIXMATCH_SERVER_OPERATIONS_H_
#define MIXMATCH_SERVER_OPERATIONS_H_

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
#include "server/catalog.h"
#include "server/ingest.h"
#include "server/learner.h"
#include "server/live_index.h"

namespace mixmatch::server {

// Thread-safe.
class Operations {
 public:
  Operations(index::Store& store, Catalog& catalog, LiveIndex& live, Learner& learner, Ingest& ingest)
      : store_(store), catalog_(catalog), live_(live), learner_(learner), ingest_(ingest) {}
  ~Operations();  // Stops.

  // Reads operations from the store and goes on with one that was running.
  absl::Status Start();
  void Stop();

  absl::StatusOr<v1::Operation> StartReindex(const v1::ReindexRequest& request);
  absl::StatusOr<v1::Operation> Get(const std::string& id) const;
  absl::StatusOr<v1::Operation> Cancel(const std::string& id);
  absl::StatusOr<v1::Operation> Wait(const std::string& id, absl::Time deadline) const;
  std::vector<v1::Operation> List() const;  // Newest first.

 private:
  using Record = storage::v1::OperationRecord;
  void Run(std::string id);
  absl::Status Reindex(Record& record);
  absl::Status ReindexItem(uint64_t item_id);
  absl::Status Put(const Record& record, bool sync);  // In the store and in records_.
  bool Cancelled(const std::string& id) const;
  absl::StatusOr<v1::Operation> Find(const std::string& id) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);

  index::Store& store_;
  Catalog& catalog_;
  LiveIndex& live_;
  Learner& learner_;
  Ingest& ingest_;
  mutable absl::Mutex mutex_;
  std::map<uint64_t, Record> records_ ABSL_GUARDED_BY(mutex_);  // By the number in the id.
  std::string cancel_ ABSL_GUARDED_BY(mutex_);                  // The operation that is to stop.
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_OPERATIONS_H_
