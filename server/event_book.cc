#include "server/event_book.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "google/protobuf/util/time_util.h"
#include "proto/base/status_macros.h"
#include "server/event_groups.h"
#include "server/part_slot.h"
#include "server/validation.h"

namespace mixmatch::server {
namespace {

constexpr char kNextItemId[] = "next_item_id";

bool SameMember(const v1::EventMember& a, const v1::EventMember& b) {
  return a.item_id() == b.item_id() && a.part_id() == b.part_id();
}

bool HasItem(const v1::Event& event, uint64_t item_id) {
  return std::any_of(event.members().begin(), event.members().end(),
                     [&](const v1::EventMember& member) { return member.item_id() == item_id; });
}

void DeclareIfNew(v1::Event& event) {
  if (!event.members().empty()) return;
  event.set_kind(v1::EVENT_KIND_DECLARED);
  *event.mutable_created_time() = google::protobuf::util::TimeUtil::GetCurrentTime();
}

absl::Status NoEvent(const std::string& event_id) {
  return absl::NotFoundError(absl::StrCat("event_id: no event of this id (", event_id.size(),
                                          " bytes); EventService.List shows those there are"));
}

}  // namespace

absl::Status EventBook::Restore() {
  absl::MutexLock lock(&mutex_);
  for (const auto& record : catalog_.From(0, SIZE_MAX)) {
    if (!record->links_removed()) forming_.Restore(record->item());
  }
  std::map<std::string, double> charges;
  const auto source_of = [&](uint64_t item_id) {
    const auto record = catalog_.Get(item_id);
    return record == nullptr ? std::string() : record->item().source();
  };
  MIXMATCH_RETURN_IF_ERROR(store_.ForEachEvent("", [&](const storage::v1::EventRecord& record) {
    AddCharges(record, 1.0, source_of, charges);
    if (!record.event().members().empty()) ++count_;
    return true;
  }));
  for (const auto& [key, weight] : charges) budget_.Add(key, weight);
  return absl::OkStatus();
}

EventEdit EventBook::Edit() { return EventEdit(store_, catalog_, budget_, count_, store_.NewBatch()); }

absl::Status EventBook::CheckExists(const v1::EventMember& member) const {
  if (!catalog_.Contains(member.item_id())) {
    return absl::NotFoundError(absl::StrCat("members.item_id: no item ", member.item_id()));
  }
  if (member.part_id() != 0) {
    const absl::Status part = store_.GetPart(member.part_id()).status();
    if (absl::IsNotFound(part)) return absl::NotFoundError(absl::StrCat("members.part_id: no part ", member.part_id()));
    return part;
  }
  return absl::OkStatus();
}

// Brings Item.event_ids in step; the container's event is looked at again, since an item in no event counts alone.
absl::Status EventBook::PutMembership(uint64_t item_id, const std::string& event_id, bool member, EventEdit& edit) {
  const ItemRecord* known = edit.Item(item_id);
  if (known == nullptr) return absl::OkStatus();
  ItemRecord record = *known;
  auto* ids = record.mutable_item()->mutable_event_ids();
  const auto at = std::find(ids->begin(), ids->end(), event_id);
  if ((at != ids->end()) == member) return absl::OkStatus();
  if (member) {
    *ids->Add() = event_id;
  } else {
    ids->erase(at);
  }
  edit.PutItem(record);
  edit.Relearn(ContainerId(item_id));
  return absl::OkStatus();
}

absl::StatusOr<v1::Event> EventBook::Link(const v1::LinkRequest& request, const std::string& principal) {
  MIXMATCH_RETURN_IF_ERROR(CheckEventId("event_id", request.event_id()));
  MIXMATCH_RETURN_IF_ERROR(CheckRequestId("request_id", request.request_id()));
  if (request.members().empty()) return absl::InvalidArgumentError("members: got none, wanted at least one");
  absl::MutexLock lock(&mutex_);
  if (!request.request_id().empty()) {
    if (auto known = store_.GetRequest(request.request_id()); known.ok()) {
      if (known->event_id().empty()) {
        return absl::InvalidArgumentError("request_id: was used by an upload; choose another");
      }
      MIXMATCH_ASSIGN_OR_RETURN(const auto record, store_.GetEvent(known->event_id()));
      return record.event();
    }
  }
  for (const v1::EventMember& member : request.members()) {
    MIXMATCH_RETURN_IF_ERROR(CheckMember(member));
    MIXMATCH_RETURN_IF_ERROR(CheckExists(member));
  }
  std::string event_id = request.event_id();
  if (event_id.empty()) event_id = absl::StrFormat("link-%x-%d", absl::ToUnixMicros(absl::Now()), next_event_++);
  EventEdit edit = Edit();
  MIXMATCH_ASSIGN_OR_RETURN(storage::v1::EventRecord* record, edit.Open(event_id));
  DeclareIfNew(*record->mutable_event());
  for (const v1::EventMember& member : request.members()) edit.PutMember(member, principal, *record);
  if (record->event().members_size() < 2) {
    return absl::InvalidArgumentError("members: an event needs two members or more; name another item");
  }
  for (const v1::EventMember& member : request.members()) {
    MIXMATCH_RETURN_IF_ERROR(PutMembership(member.item_id(), event_id, true, edit));
  }
  MIXMATCH_RETURN_IF_ERROR(DissolveDeclared(*record, edit));
  if (!request.request_id().empty()) {
    storage::v1::RequestRecord answered;
    answered.set_event_id(event_id);
    edit.batch().PutRequest(request.request_id(), answered);
  }
  edit.Relearn(event_id);
  const v1::Event event = record->event();
  MIXMATCH_RETURN_IF_ERROR(edit.Commit(learner_).status());
  return event;
}

// Of what is formed of the members, what the declared event now says.
absl::Status EventBook::DissolveDeclared(const storage::v1::EventRecord& record, EventEdit& edit) {
  std::set<std::string> formed;
  for (const v1::EventMember& member : record.event().members()) {
    MIXMATCH_ASSIGN_OR_RETURN(const auto events, store_.GetEventIds(member.item_id()));
    for (const std::string& event_id : events) {
      if (absl::StartsWith(event_id, kFormedPrefix)) formed.insert(event_id);
    }
  }
  for (const std::string& event_id : formed) MIXMATCH_RETURN_IF_ERROR(edit.YieldToDeclared(event_id));
  return absl::OkStatus();
}

// Of what the rules say, what a declared event said as it was before and no longer says.
absl::Status EventBook::FormUndeclared(const v1::Event& before, const v1::Event& after, EventEdit& edit) {
  std::map<std::string, std::pair<FormedEvent, std::string>> again;  // By id, with the principal.
  for (const v1::EventMember& member : before.members()) {
    const ItemRecord* item = edit.Item(member.item_id());
    if (HasItem(after, member.item_id()) || item == nullptr || item->links_removed()) continue;
    for (FormedEvent& formed : forming_.Look(item->item()).put) {
      const bool was_declared = std::all_of(formed.item_ids.begin(), formed.item_ids.end(),
                                            [&](uint64_t item_id) { return HasItem(before, item_id); });
      if (was_declared) again.try_emplace(formed.event_id, formed, PrincipalOf(item->principal()));
    }
  }
  for (const auto& [event_id, formed] : again) {
    MIXMATCH_RETURN_IF_ERROR(edit.Form({{formed.first}, {}}, formed.second));
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::Event> EventBook::Unlink(const v1::UnlinkRequest& request) {
  absl::MutexLock lock(&mutex_);
  EventEdit edit = Edit();
  MIXMATCH_ASSIGN_OR_RETURN(storage::v1::EventRecord* record, edit.Open(request.event_id()));
  v1::Event& event = *record->mutable_event();
  if (event.members().empty()) return NoEvent(request.event_id());
  if (event.kind() != v1::EVENT_KIND_DECLARED) {
    return absl::InvalidArgumentError(
        "event_id: is an event that the server formed; undo its links with EventService.CorrectLink instead");
  }
  const v1::Event before = event;
  auto* members = event.mutable_members();
  if (request.members().empty()) {
    members->Clear();
  } else {
    for (const v1::EventMember& gone : request.members()) {
      members->erase(std::remove_if(members->begin(), members->end(),
                                    [&](const v1::EventMember& member) { return SameMember(member, gone); }),
                     members->end());
    }
  }
  for (const v1::EventMember& member : before.members()) {
    if (HasItem(event, member.item_id())) continue;
    MIXMATCH_RETURN_IF_ERROR(PutMembership(member.item_id(), event.event_id(), false, edit));
  }
  const v1::Event left = event;
  MIXMATCH_RETURN_IF_ERROR(FormUndeclared(before, left, edit));
  edit.Relearn(left.event_id());
  MIXMATCH_RETURN_IF_ERROR(edit.Commit(learner_).status());
  return left;
}

absl::Status EventBook::DeleteItem(uint64_t item_id) {
  if (!catalog_.Contains(item_id)) return absl::NotFoundError(absl::StrCat("item_id: no item ", item_id));
  MIXMATCH_ASSIGN_OR_RETURN(const auto parts, store_.GetParts(item_id));
  std::vector<std::pair<int, uint64_t>> keys;
  for (const auto& part : parts) {
    keys.emplace_back(SlotOf(part.part()), part.part().part_id());
  }
  // The index before the records, as ingest does: the other order could wait for itself.
  return live_.Remove(keys, [&] { return CommitDelete(item_id, keys); });
}

// Everything that the item takes part in goes on without it.
absl::Status EventBook::RetractItem(const ItemRecord& record, bool forever, EventEdit& edit) {
  const uint64_t item_id = record.item().item_id();
  for (const std::string& event_id : record.item().event_ids()) {
    MIXMATCH_ASSIGN_OR_RETURN(storage::v1::EventRecord* event, edit.Open(event_id));
    edit.TakeOut(item_id, *event);
    edit.Relearn(event_id);
  }
  MIXMATCH_ASSIGN_OR_RETURN(const auto events, store_.GetEventIds(item_id));
  for (const std::string& event_id : events) {
    if (!absl::StartsWith(event_id, kFormedPrefix)) continue;
    MIXMATCH_ASSIGN_OR_RETURN(storage::v1::EventRecord* event, edit.Open(event_id));
    // A pair will never be formed again without the item; a name may be.
    const bool pair = event->event().kind() == v1::EVENT_KIND_TIME || event->event().kind() == v1::EVENT_KIND_PLACE;
    MIXMATCH_RETURN_IF_ERROR(edit.Dissolve(event_id, forever && pair));
  }
  return edit.Form(forming_.Remove(record.item()), PrincipalOf(record.principal()));
}

absl::Status EventBook::ForgetMissingMembers(const std::string& event_id) {
  absl::MutexLock lock(&mutex_);
  EventEdit edit = Edit();
  MIXMATCH_ASSIGN_OR_RETURN(storage::v1::EventRecord* record, edit.Open(event_id));
  std::set<uint64_t> gone;
  for (const v1::EventMember& member : record->event().members()) {
    if (!catalog_.Contains(member.item_id())) gone.insert(member.item_id());
  }
  if (gone.empty()) return absl::OkStatus();
  if (absl::StartsWith(event_id, kFormedPrefix)) {
    MIXMATCH_RETURN_IF_ERROR(edit.Dissolve(event_id, /*forever=*/false));
  } else {
    for (uint64_t item_id : gone) edit.TakeOut(item_id, *record);
  }
  edit.Relearn(event_id);
  return edit.Commit(learner_).status();
}

absl::Status EventBook::CommitDelete(uint64_t item_id, absl::Span<const std::pair<int, uint64_t>> parts) {
  absl::MutexLock lock(&mutex_);
  const auto record = catalog_.Get(item_id);
  if (record == nullptr) return absl::NotFoundError(absl::StrCat("item_id: no item ", item_id));
  EventEdit edit = Edit();
  for (const auto& [slot, part_id] : parts) edit.batch().DeletePart(part_id);
  edit.DeleteItem(item_id);
  edit.batch().DeleteContent(record->content_id());
  edit.batch().PutMeta(kNextItemId, absl::StrCat(next_item_id_.load()));
  MIXMATCH_RETURN_IF_ERROR(RetractItem(*record, /*forever=*/true, edit));
  MIXMATCH_RETURN_IF_ERROR(edit.Dissolve(ContainerId(item_id), /*forever=*/true));
  edit.Relearn(ContainerId(item_id));
  const absl::Status committed = edit.Commit(learner_).status();
  if (!committed.ok() && !record->links_removed()) forming_.Restore(record->item());
  return committed;
}

absl::StatusOr<v1::Item> EventBook::UpdateItem(const v1::UpdateMetadataRequest& request) {
  MIXMATCH_RETURN_IF_ERROR(CheckMetadata("set", request.set()));
  if (request.has_location()) MIXMATCH_RETURN_IF_ERROR(CheckLocation("location", request.location()));
  absl::MutexLock lock(&mutex_);
  const auto known = catalog_.Get(request.item_id());
  if (known == nullptr) return absl::NotFoundError(absl::StrCat("item_id: no item ", request.item_id()));
  ItemRecord record = *known;
  v1::Item& item = *record.mutable_item();
  for (const std::string& key : request.remove()) item.mutable_metadata()->erase(key);
  for (const auto& [key, value] : request.set()) (*item.mutable_metadata())[key] = value;
  MIXMATCH_RETURN_IF_ERROR(CheckMetadata("metadata", item.metadata()));
  if (request.has_name()) {
    if (request.name().size() > 1024) return absl::InvalidArgumentError("name: wanted at most 1,024 bytes");
    item.set_name(request.name());
  }
  if (request.has_source()) {
    if (request.source().size() > 1024) return absl::InvalidArgumentError("source: wanted at most 1,024 bytes");
    item.set_source(request.source());
  }
  if (request.has_observed_time()) *item.mutable_observed_time() = request.observed_time();
  if (request.has_location()) *item.mutable_location() = request.location();
  EventEdit edit = Edit();
  edit.PutItem(record);
  const bool forms = request.has_name() || request.has_source() || request.has_observed_time() || request.has_location();
  if (forms && !record.links_removed()) {
    MIXMATCH_RETURN_IF_ERROR(FormAnew(*known, record, edit));
  }
  const absl::Status committed = edit.Commit(learner_).status();
  if (!committed.ok() && forms && !record.links_removed()) {
    forming_.Remove(item);
    forming_.Restore(known->item());
  }
  MIXMATCH_RETURN_IF_ERROR(committed);
  return item;
}

absl::Status EventBook::FormAnew(const ItemRecord& known, const ItemRecord& record, EventEdit& edit) {
  const FormingChange before = forming_.Remove(known.item());
  MIXMATCH_ASSIGN_OR_RETURN(const auto events, store_.GetEventIds(record.item().item_id()));
  for (const std::string& event_id : events) {
    MIXMATCH_ASSIGN_OR_RETURN(storage::v1::EventRecord* event, edit.Open(event_id));
    if (absl::StartsWith(event_id, kFormedPrefix)) {
      MIXMATCH_RETURN_IF_ERROR(edit.Dissolve(event_id, /*forever=*/false));
    } else if (event->event().kind() == v1::EVENT_KIND_CONTAINER) {
      event->mutable_event()->set_source(record.item().source());
    }
  }
  MIXMATCH_RETURN_IF_ERROR(edit.Form(before, PrincipalOf(record.principal())));
  return edit.Form(forming_.Add(record.item()), PrincipalOf(record.principal()));
}

absl::Status EventBook::AddContainer(const ItemRecord& record, EventEdit& edit) {
  const uint64_t item_id = record.item().item_id();
  const std::string principal = PrincipalOf(record.principal());
  MIXMATCH_ASSIGN_OR_RETURN(storage::v1::EventRecord* container, edit.Open(ContainerId(item_id)));
  v1::Event& event = *container->mutable_event();
  if (event.members().empty()) {
    event.set_kind(v1::EVENT_KIND_CONTAINER);
    event.set_principal(principal);
    event.set_source(record.item().source());
    *event.mutable_created_time() = record.item().created_time();
    v1::EventMember& member = *event.add_members();
    member.set_item_id(item_id);
    member.set_weight(1.0f);
    member.set_principal(principal);
  }
  return edit.Weigh(*container);
}

absl::Status EventBook::AddFormed(const ItemRecord& record, absl::Span<const v1::Part> parts, EventEdit& edit) {
  const uint64_t item_id = record.item().item_id();
  const std::string principal = PrincipalOf(record.principal());
  if (parts.size() >= 2) MIXMATCH_RETURN_IF_ERROR(AddContainer(record, edit));
  edit.Relearn(ContainerId(item_id));
  return edit.Form(forming_.Add(record.item()), principal);
}

absl::Status EventBook::AddNewItem(const storage::v1::ItemRecord& record, absl::Span<const v1::Part> parts,
                                   std::unique_ptr<index::StoreBatch> batch) {
  v1::EventMember member;
  member.set_item_id(record.item().item_id());
  absl::MutexLock lock(&mutex_);
  EventEdit edit(store_, catalog_, budget_, count_, std::move(batch));
  auto facts = std::make_shared<ItemFacts>();
  facts->record = record;
  facts->parts.assign(parts.begin(), parts.end());
  edit.AddItem(std::move(facts));
  for (const std::string& event_id : record.item().event_ids()) {
    MIXMATCH_ASSIGN_OR_RETURN(storage::v1::EventRecord* event, edit.Open(event_id));
    DeclareIfNew(*event->mutable_event());
    edit.PutMember(member, PrincipalOf(record.principal()), *event);
    edit.Relearn(event_id);
  }
  edit.batch().PutMeta(kNextItemId, absl::StrCat(next_item_id_.load()));
  absl::Status done = AddFormed(record, parts, edit);
  if (done.ok()) done = edit.Commit(learner_).status();
  if (!done.ok()) forming_.Remove(record.item());
  return done;
}

absl::Status EventBook::ExtendItem(uint64_t item_id, const std::function<void(v1::Item&)>& change,
                                   absl::Span<const v1::Part> parts, std::unique_ptr<index::StoreBatch> batch) {
  absl::MutexLock lock(&mutex_);
  const auto known = catalog_.Get(item_id);
  if (known == nullptr) return absl::NotFoundError(absl::StrCat("item_id: item ", item_id, " was deleted"));
  ItemRecord record = *known;
  change(*record.mutable_item());
  EventEdit edit(store_, catalog_, budget_, count_, std::move(batch));
  const bool forms = !parts.empty() && !record.links_removed();
  if (forms) {
    auto facts = std::make_shared<ItemFacts>();
    facts->record = record;
    facts->parts.assign(parts.begin(), parts.end());
    edit.AddItem(std::move(facts));
    if (parts.size() >= 2) MIXMATCH_RETURN_IF_ERROR(AddContainer(record, edit));
    edit.Relearn(ContainerId(item_id));
    MIXMATCH_RETURN_IF_ERROR(FormAnew(*known, record, edit));
  } else {
    edit.PutItem(record);
  }
  const absl::Status committed = edit.Commit(learner_).status();
  if (!committed.ok() && forms) {
    forming_.Remove(record.item());
    forming_.Restore(known->item());
  }
  return committed;
}

}  // namespace mixmatch::server
