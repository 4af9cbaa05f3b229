// Changes to items and events that touch several records: link, unlink, delete, update.
#ifndef MIXMATCH_SERVER_EVENT_BOOK_H_
#define MIXMATCH_SERVER_EVENT_BOOK_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "index/store/store.h"
#include "mixmatch/v1/event_service.pb.h"
#include "mixmatch/v1/item_service.pb.h"
#include "server/catalog.h"
#include "server/learner.h"
#include "server/live_index.h"

namespace mixmatch::server {

// Thread-safe. Each change is one synced batch, then told to the learner.
class EventBook {
 public:
  EventBook(index::Store& store, Catalog& catalog, LiveIndex& live, Learner& learner)
      : store_(store), catalog_(catalog), live_(live), learner_(learner) {}

  // As EventService.Link, Unlink.
  absl::StatusOr<v1::Event> Link(const v1::LinkRequest& request);
  absl::StatusOr<v1::Event> Unlink(const v1::UnlinkRequest& request);
  // As ItemService.Delete, UpdateMetadata.
  absl::Status DeleteItem(uint64_t item_id);
  absl::StatusOr<v1::Item> UpdateItem(const v1::UpdateMetadataRequest& request);

  // For ingest: runs `commit` while no other change is made to events. `batch` already holds the item; this adds its
  // membership in `record.item().event_ids()` (at most one) and the event of the container.
  absl::Status AddNewItem(const storage::v1::ItemRecord& record, absl::Span<const v1::Part> parts,
                          std::unique_ptr<index::StoreBatch> batch);

  // Reserves an item id.
  uint64_t NextItemId() { return next_item_id_.fetch_add(1); }
  void SetNextItemId(uint64_t id) { next_item_id_ = id; }

 private:
  absl::StatusOr<v1::Event> ReadOrNew(const std::string& event_id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status PutMembership(uint64_t item_id, const std::string& event_id, bool member, index::StoreBatch& batch,
                             std::vector<ItemRecord>& changed) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status CheckExists(const v1::EventMember& member) const;
  absl::Status CommitDelete(uint64_t item_id, absl::Span<const std::pair<int, uint64_t>> parts);
  absl::Status TakeItemOut(const std::string& event_id, uint64_t item_id, index::StoreBatch& batch)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  index::Store& store_;
  Catalog& catalog_;
  LiveIndex& live_;
  Learner& learner_;
  std::atomic<uint64_t> next_item_id_{1};
  std::atomic<uint64_t> next_event_{1};
  absl::Mutex mutex_;  // Held from reading an event or item record to its commit; taken after LiveIndex's.
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_EVENT_BOOK_H_
