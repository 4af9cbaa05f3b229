// Changes to items and events that touch several records: link, unlink, delete, update; forming, correcting and removing.
#ifndef MIXMATCH_SERVER_EVENT_BOOK_H_
#define MIXMATCH_SERVER_EVENT_BOOK_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "index/store/store.h"
#include "mixmatch/v1/event_service.pb.h"
#include "mixmatch/v1/item_service.pb.h"
#include "server/catalog.h"
#include "server/event_edit.h"
#include "server/event_forming.h"
#include "server/event_links.h"
#include "server/learner.h"
#include "server/link_options.h"
#include "server/live_index.h"
#include "server/source_budget.h"

namespace mixmatch::server {

// Thread-safe. Each change is one synced batch, then told to the learner; those of a whole source are several batches, and
// can be repeated where a crash cut them. An upload forms events with a bounded number of items, whose parts it reads.
class EventBook {
 public:
  EventBook(index::Store& store, Catalog& catalog, LiveIndex& live, Learner& learner, const LinkOptions& options = {})
      : store_(store), catalog_(catalog), live_(live), learner_(learner), forming_(options),
        budget_(options.max_per_source) {}

  // Reads what forming needs from catalog and store. Once, before any change.
  absl::Status Restore();

  // As EventService.Link, Unlink; `principal` makes the members.
  absl::StatusOr<v1::Event> Link(const v1::LinkRequest& request, const std::string& principal = kLocalPrincipal);
  absl::StatusOr<v1::Event> Unlink(const v1::UnlinkRequest& request);
  // As EventService.CorrectLink, HoldLinks, ReleaseLinks, RemoveLinks.
  absl::StatusOr<std::vector<v1::Link>> CorrectLink(const v1::CorrectLinkRequest& request);
  absl::StatusOr<v1::HoldLinksResponse> HoldLinks(const v1::HoldLinksRequest& request);
  absl::StatusOr<v1::ReleaseLinksResponse> ReleaseLinks(const v1::ReleaseLinksRequest& request);
  absl::StatusOr<v1::RemoveLinksResponse> RemoveLinks(const v1::RemoveLinksRequest& request);
  // As ItemService.Delete, UpdateMetadata.
  absl::Status DeleteItem(uint64_t item_id);
  absl::StatusOr<v1::Item> UpdateItem(const v1::UpdateMetadataRequest& request);

  // For ingest: commits `batch`, which holds the item's parts, with the item, its membership in
  // `record.item().event_ids()` (at most one), the event of the container and the events that it forms.
  absl::Status AddNewItem(const storage::v1::ItemRecord& record, absl::Span<const v1::Part> parts,
                          std::unique_ptr<index::StoreBatch> batch);

  // For live streams: commits `batch`, which may hold new parts, with the item as `change` makes it. `parts` are all of
  // its parts where its events are to be formed and learned again, else none. NOT_FOUND if the item is gone.
  absl::Status ExtendItem(uint64_t item_id, const std::function<void(v1::Item&)>& change,
                          absl::Span<const v1::Part> parts, std::unique_ptr<index::StoreBatch> batch);

  // Events that have members.
  uint64_t size() const { return static_cast<uint64_t>(count_.load()); }

  // Repair: takes members out of an event whose items are not there, as their deletion does.
  absl::Status ForgetMissingMembers(const std::string& event_id);

  // Reserves an item id.
  uint64_t NextItemId() { return next_item_id_.fetch_add(1); }
  void SetNextItemId(uint64_t id) { next_item_id_ = id; }

 private:
  // Whose links: one of both.
  struct Whose {
    bool by_source = false;
    std::string name;
  };
  template <typename Request>
  static absl::StatusOr<Whose> WhoseOf(const Request& request);
  EventEdit Edit() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status CheckExists(const v1::EventMember& member) const;
  absl::Status PutMembership(uint64_t item_id, const std::string& event_id, bool member, EventEdit& edit);
  absl::Status CommitDelete(uint64_t item_id, absl::Span<const std::pair<int, uint64_t>> parts);
  absl::Status RetractItem(const ItemRecord& record, bool forever, EventEdit& edit)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status DissolveDeclared(const storage::v1::EventRecord& record, EventEdit& edit);
  absl::Status FormUndeclared(const v1::Event& before, const v1::Event& after, EventEdit& edit)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status AddContainer(const ItemRecord& record, EventEdit& edit);
  // Forms what an item forms now that it has changed from `known`.
  absl::Status FormAnew(const ItemRecord& known, const ItemRecord& record, EventEdit& edit)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status AddFormed(const ItemRecord& record, absl::Span<const v1::Part> parts, EventEdit& edit)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool Brought(const Whose& whose, const ItemRecord& record) const;
  // Events that have to do with it, by id.
  absl::StatusOr<std::set<std::string>> EventsOf(const Whose& whose) const;
  absl::StatusOr<storage::v1::LinkHolds> ChangeHolds(const Whose& whose, bool hold, uint64_t& events_changed)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<uint64_t> Uncap(const std::string& source) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  index::Store& store_;
  Catalog& catalog_;
  LiveIndex& live_;
  Learner& learner_;
  std::atomic<uint64_t> next_item_id_{1};
  std::atomic<int64_t> count_{0};  // Of events with members.
  std::atomic<uint64_t> next_event_{1};
  absl::Mutex mutex_;  // Held from reading an event or item record to its commit; taken after LiveIndex's.
  EventForming forming_ ABSL_GUARDED_BY(mutex_);
  SourceBudget budget_ ABSL_GUARDED_BY(mutex_);
};

// The API's view of an event's links.
v1::Link ToApi(const storage::v1::EventRecord& record, const EventLink& link);

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_EVENT_BOOK_H_
