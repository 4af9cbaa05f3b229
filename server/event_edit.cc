#include "server/event_edit.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "google/protobuf/util/time_util.h"
#include "proto/base/status_macros.h"
#include "server/event_groups.h"

namespace mixmatch::server {
namespace {

bool IsDeclared(const v1::Event& event) {
  return event.kind() == v1::EVENT_KIND_DECLARED || event.kind() == v1::EVENT_KIND_UNSPECIFIED;
}

int HasMembers(const storage::v1::EventRecord& record) { return record.event().members().empty() ? 0 : 1; }

bool IsFormed(const v1::Event& event) { return !IsDeclared(event) && event.kind() != v1::EVENT_KIND_CONTAINER; }

std::string BudgetKeyOf(const v1::Event& formed) { return BudgetKey(formed.principal(), formed.source()); }

}  // namespace

void AddCharges(const storage::v1::EventRecord& record, double sign,
                const std::function<std::string(uint64_t item_id)>& source_of, std::map<std::string, double>& charges) {
  if (IsDeclared(record.event())) {
    for (const v1::EventMember& member : record.event().members()) {
      if (member.held()) continue;
      charges[BudgetKey(member.principal(), source_of(member.item_id()))] += sign * member.weight();
    }
  } else if (!record.held() && !record.event().members().empty()) {
    charges[BudgetKeyOf(record.event())] += sign * record.weight();
  }
}

EventEdit::EventEdit(index::Store& store, Catalog& catalog, SourceBudget& budget, std::atomic<int64_t>& events,
                     std::unique_ptr<index::StoreBatch> batch)
    : store_(store), catalog_(catalog), budget_(budget), events_(events), batch_(std::move(batch)) {}

absl::StatusOr<storage::v1::EventRecord*> EventEdit::Open(const std::string& event_id) {
  const auto known = opened_.find(event_id);
  if (known != opened_.end()) return &known->second.after;
  Opened opened;
  auto stored = store_.GetEvent(event_id);
  if (stored.ok()) {
    opened.stored = true;
    opened.before = *std::move(stored);
  } else if (absl::IsNotFound(stored.status())) {
    opened.before.mutable_event()->set_event_id(event_id);
  } else {
    return stored.status();
  }
  opened.after = opened.before;
  return &opened_.emplace(event_id, std::move(opened)).first->second.after;
}

const ItemRecord* EventEdit::Item(uint64_t item_id) {
  if (deleted_.count(item_id) > 0) return nullptr;
  if (const auto changed = items_.find(item_id); changed != items_.end()) return &changed->second;
  if (const auto given = facts_.find(item_id); given != facts_.end()) return &given->second->record;
  auto& kept = read_[item_id];
  if (kept == nullptr) kept = catalog_.Get(item_id);
  return kept.get();
}

void EventEdit::PutItem(const ItemRecord& record) { items_[record.item().item_id()] = record; }

void EventEdit::DeleteItem(uint64_t item_id) { deleted_.insert(item_id); }

void EventEdit::AddItem(std::shared_ptr<const ItemFacts> facts) {
  items_[facts->record.item().item_id()] = facts->record;
  facts_[facts->record.item().item_id()] = std::move(facts);
}

FactsReader EventEdit::Facts() {
  return [this, stored = StoreFacts(store_)](uint64_t item_id) -> absl::StatusOr<std::shared_ptr<const ItemFacts>> {
    if (deleted_.count(item_id) > 0) return std::shared_ptr<const ItemFacts>();
    if (const auto given = facts_.find(item_id); given != facts_.end()) return given->second;
    MIXMATCH_ASSIGN_OR_RETURN(std::shared_ptr<const ItemFacts> facts, stored(item_id));
    const auto changed = items_.find(item_id);
    if (facts == nullptr || changed == items_.end()) return facts;
    auto copy = std::make_shared<ItemFacts>(*facts);
    copy->record = changed->second;
    return std::shared_ptr<const ItemFacts>(std::move(copy));
  };
}

bool EventEdit::Affords(const std::string& key, double weight) const {
  const auto pending = pending_.find(key);
  return budget_.Affords(key, weight + (pending == pending_.end() ? 0.0 : pending->second));
}

void EventEdit::PutMember(const v1::EventMember& member, const std::string& principal,
                          storage::v1::EventRecord& record) {
  v1::Event& event = *record.mutable_event();
  v1::EventMember full = member;
  full.set_principal(principal);
  full.set_held(false);
  if (full.weight() == 0.0f) full.set_weight(1.0f);
  auto* members = event.mutable_members();
  const auto known = std::find_if(members->begin(), members->end(), [&](const v1::EventMember& other) {
    return other.item_id() == full.item_id() && other.part_id() == full.part_id();
  });
  const ItemRecord* item = Item(full.item_id());
  const std::string source = item == nullptr ? "" : item->item().source();
  const std::string key = BudgetKey(principal, source);
  const std::string key_before = known != members->end() ? BudgetKey(known->principal(), source) : key;
  pending_[key_before] -= known != members->end() && !known->held() ? known->weight() : 0.0;
  const double before = known != members->end() && key_before == key && !known->held() ? known->weight() : 0.0;
  full.set_held(full.weight() > before && !Affords(key, full.weight()));
  if (!full.held()) pending_[key] += full.weight();
  if (known != members->end()) {
    *known = full;
    return;
  }
  *event.add_members() = full;
  std::sort(members->begin(), members->end(), [](const v1::EventMember& a, const v1::EventMember& b) {
    return std::make_pair(a.item_id(), a.part_id()) < std::make_pair(b.item_id(), b.part_id());
  });
}

bool EventEdit::TakeOut(uint64_t item_id, storage::v1::EventRecord& record) {
  auto* members = record.mutable_event()->mutable_members();
  const auto left = std::remove_if(members->begin(), members->end(),
                                   [&](const v1::EventMember& member) { return member.item_id() == item_id; });
  const bool found = left != members->end();
  members->erase(left, members->end());
  return found;
}

void EventEdit::RelearnAll(const storage::v1::EventRecord& record) {
  Relearn(record.event().event_id());
  if (!IsFormed(record.event())) return;
  for (const v1::EventMember& member : record.event().members()) {
    const ItemRecord* item = Item(member.item_id());
    if (item != nullptr && item->item().part_count() <= 1) Relearn(ContainerId(member.item_id()));
  }
}

absl::Status EventEdit::Weigh(storage::v1::EventRecord& record) {
  storage::v1::EventRecord bare = record;
  bare.clear_corrections();
  bare.set_held(false);
  MIXMATCH_ASSIGN_OR_RETURN(const std::vector<EventLink> links, LinksOf(Facts(), storage::v1::LinkHolds(), bare));
  double weight = 0.0;
  for (const EventLink& link : links) weight += link.formed_weight;
  const std::string key = BudgetKeyOf(record.event());
  const auto known = opened_.find(record.event().event_id());
  const bool counted = known != opened_.end() && known->second.stored && !known->second.before.held() &&
                       BudgetKeyOf(known->second.before.event()) == key &&
                       !known->second.before.event().members().empty();
  const double more = weight - (counted ? known->second.before.weight() : 0.0);
  record.set_weight(weight);
  record.set_held(more > 0.0 && !Affords(key, more));
  if (!record.held()) pending_[key] += more;
  return absl::OkStatus();
}

absl::Status EventEdit::Dissolve(const std::string& event_id, bool forever) {
  MIXMATCH_ASSIGN_OR_RETURN(storage::v1::EventRecord* record, Open(event_id));
  if (IsDeclared(record->event())) return absl::OkStatus();
  RelearnAll(*record);
  record->mutable_event()->clear_members();
  record->set_weight(0.0);
  record->set_held(false);
  if (forever) record->clear_corrections();
  return absl::OkStatus();
}

absl::Status EventEdit::YieldToDeclared(const std::string& event_id) {
  MIXMATCH_ASSIGN_OR_RETURN(storage::v1::EventRecord* record, Open(event_id));
  if (!IsFormed(record->event())) return absl::OkStatus();
  std::vector<uint64_t> item_ids;
  for (const v1::EventMember& member : record->event().members()) item_ids.push_back(member.item_id());
  return AreDeclaredTogether(item_ids) ? Dissolve(event_id, /*forever=*/false) : absl::OkStatus();
}

bool EventEdit::AreDeclaredTogether(const std::vector<uint64_t>& item_ids) {
  std::set<std::string> shared;
  for (size_t i = 0; i < item_ids.size(); ++i) {
    const ItemRecord* item = Item(item_ids[i]);
    if (item == nullptr) return false;
    const auto& ids = item->item().event_ids();
    const std::set<std::string> own(ids.begin(), ids.end());
    std::set<std::string> both;
    std::set_intersection(own.begin(), own.end(), shared.begin(), shared.end(), std::inserter(both, both.end()));
    shared = i == 0 ? own : both;
  }
  return !shared.empty();
}

absl::Status EventEdit::Put(const FormedEvent& formed, const std::string& principal) {
  MIXMATCH_ASSIGN_OR_RETURN(storage::v1::EventRecord* record, Open(formed.event_id));
  // An id that a client took before such ids were the server's own.
  if (record->event().kind() == v1::EVENT_KIND_DECLARED) return absl::OkStatus();
  std::vector<uint64_t> item_ids;
  for (uint64_t item_id : formed.item_ids) {
    const ItemRecord* item = Item(item_id);
    if (item != nullptr && !item->links_removed()) item_ids.push_back(item_id);
  }
  // What is declared needs no guess.
  if (item_ids.size() < 2 || AreDeclaredTogether(item_ids)) return Dissolve(formed.event_id, /*forever=*/false);
  const storage::v1::EventRecord& before = opened_[formed.event_id].before;
  const bool known = !before.event().members().empty();
  RelearnAll(before);
  v1::Event& event = *record->mutable_event();
  event.set_kind(formed.kind);
  event.clear_members();
  for (uint64_t item_id : item_ids) {
    v1::EventMember& member = *event.add_members();
    member.set_item_id(item_id);
    member.set_weight(1.0f);
    member.set_principal(PrincipalOf(Item(item_id)->principal()));
  }
  event.set_principal(known ? before.event().principal() : principal);
  event.set_source(known ? before.event().source() : formed.source);
  *event.mutable_created_time() =
      known ? before.event().created_time() : google::protobuf::util::TimeUtil::GetCurrentTime();
  record->set_reach(formed.reach);
  record->set_nearest(formed.nearest);
  RelearnAll(*record);
  return Weigh(*record);
}

absl::Status EventEdit::Form(const FormingChange& change, const std::string& principal) {
  for (const std::string& event_id : change.gone) MIXMATCH_RETURN_IF_ERROR(Dissolve(event_id, /*forever=*/false));
  for (const FormedEvent& formed : change.put) MIXMATCH_RETURN_IF_ERROR(Put(formed, principal));
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> EventEdit::Commit(Learner& learner) {
  std::map<std::string, double> charges;
  const auto source_before = [&](uint64_t item_id) {
    const auto item = catalog_.Get(item_id);
    return item == nullptr ? std::string() : item->item().source();
  };
  const auto source_after = [&](uint64_t item_id) {
    const ItemRecord* item = Item(item_id);
    return item == nullptr ? std::string() : item->item().source();
  };
  uint64_t changed = 0;
  int64_t more = 0;
  for (auto& [event_id, opened] : opened_) {
    auto& after = opened.after;
    if (after.event().members().empty() && !IsFormed(after.event())) after.clear_corrections();
    AddCharges(opened.before, -1.0, source_before, charges);
    AddCharges(after, 1.0, source_after, charges);
    if (after.SerializeAsString() == opened.before.SerializeAsString()) continue;
    const bool kept = !after.event().members().empty() || !after.corrections().empty();
    if (kept) {
      batch_->PutEvent(after);
    } else if (opened.stored) {
      batch_->DeleteEvent(opened.before);
    } else {
      continue;
    }
    ++changed;
    more += HasMembers(after) - HasMembers(opened.before);
    relearn_.insert(event_id);
  }
  for (const auto& [item_id, record] : items_) {
    if (deleted_.count(item_id) == 0) batch_->PutItem(record);
  }
  for (uint64_t item_id : deleted_) batch_->DeleteItem(item_id);
  for (const std::string& event_id : relearn_) batch_->PutLearning(event_id);
  MIXMATCH_RETURN_IF_ERROR(store_.Commit(std::move(batch_), /*sync=*/true));
  for (const auto& [item_id, record] : items_) {
    if (deleted_.count(item_id) == 0) catalog_.Put(record);
  }
  for (uint64_t item_id : deleted_) catalog_.Remove(item_id);
  for (const auto& [key, weight] : charges) budget_.Add(key, weight);
  events_ += more;
  const absl::Time acked = absl::Now();
  for (const std::string& event_id : relearn_) learner.Changed(event_id, acked);
  return changed;
}

}  // namespace mixmatch::server
