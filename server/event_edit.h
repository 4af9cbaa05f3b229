// One change of items and events, gathered and then made as one batch: what it costs its sources, what is to be learned
// again.
#ifndef MIXMATCH_SERVER_EVENT_EDIT_H_
#define MIXMATCH_SERVER_EVENT_EDIT_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "index/store/store.h"
#include "server/catalog.h"
#include "server/event_forming.h"
#include "server/event_links.h"
#include "server/learner.h"
#include "server/source_budget.h"

namespace mixmatch::server {

// Not thread-safe; no other change may be made to events between its making and Commit.
class EventEdit {
 public:
  // `batch` may hold more already. `events` counts those with members, and is kept in step by Commit.
  EventEdit(index::Store& store, Catalog& catalog, SourceBudget& budget, std::atomic<int64_t>& events,
            std::unique_ptr<index::StoreBatch> batch);

  index::StoreBatch& batch() { return *batch_; }

  // The record of an event, to be read and changed until Commit; without members, and of no kind, if there is none.
  absl::StatusOr<storage::v1::EventRecord*> Open(const std::string& event_id);
  // The record of an item as it will be; nullptr if it will not be there.
  const ItemRecord* Item(uint64_t item_id);
  void PutItem(const ItemRecord& record);
  void DeleteItem(uint64_t item_id);
  // An item that is not in the store yet.
  void AddItem(std::shared_ptr<const ItemFacts> facts);

  // Adds a member to a declared event, or gives it a new weight. Beyond what its source may teach it is held.
  void PutMember(const v1::EventMember& member, const std::string& principal, storage::v1::EventRecord& record);
  // Whether a source may teach so much more, this edit included.
  bool Affords(const std::string& key, double weight) const;
  // Takes all members of the item out; gives whether there were any.
  static bool TakeOut(uint64_t item_id, storage::v1::EventRecord& record);

  // Forms and dissolves events. Corrections of what is dissolved are kept for when it is formed again.
  absl::Status Form(const FormingChange& change, const std::string& principal);
  // Sets the weight of a container's or formed event, and whether it is held.
  absl::Status Weigh(storage::v1::EventRecord& record);
  // Dissolves one formed event; `forever`: with its corrections.
  absl::Status Dissolve(const std::string& event_id, bool forever);

  // Dissolves a formed event whose items are all members of one declared event: what is declared needs no guess.
  absl::Status YieldToDeclared(const std::string& event_id);

  // The learner looks at the event again.
  void Relearn(const std::string& event_id) { relearn_.insert(event_id); }
  // At the event and at items that may now count alone, or no longer do.
  void RelearnAll(const storage::v1::EventRecord& record);

  // Everything or nothing, synced; then catalog, budget and learner are told. Gives how many events changed.
  absl::StatusOr<uint64_t> Commit(Learner& learner);

  // The facts of items as they will be.
  FactsReader Facts();

 private:
  struct Opened {
    storage::v1::EventRecord before, after;
    bool stored = false;
  };
  bool AreDeclaredTogether(const std::vector<uint64_t>& item_ids);
  absl::Status Put(const FormedEvent& formed, const std::string& principal);

  index::Store& store_;
  Catalog& catalog_;
  SourceBudget& budget_;
  std::atomic<int64_t>& events_;
  std::unique_ptr<index::StoreBatch> batch_;
  std::map<std::string, Opened> opened_;
  std::map<uint64_t, ItemRecord> items_;
  std::set<uint64_t> deleted_;
  std::map<uint64_t, std::shared_ptr<const ItemFacts>> facts_;
  std::set<std::string> relearn_;
  std::map<std::string, double> pending_;  // Of this edit, by BudgetKey.
  std::map<uint64_t, std::shared_ptr<const ItemRecord>> read_;
};

// What the record costs, by BudgetKey; `source_of` tells the sources of items.
void AddCharges(const storage::v1::EventRecord& record, double sign,
                const std::function<std::string(uint64_t item_id)>& source_of, std::map<std::string, double>& charges);

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_EVENT_EDIT_H_
