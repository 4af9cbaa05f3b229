// What people say of links: corrections, holds, removals.
#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "proto/base/status_macros.h"
#include "server/event_book.h"
#include "server/event_groups.h"

namespace mixmatch::server {
namespace {

constexpr size_t kItemsABatch = 256;
constexpr size_t kMostLinksShown = 1000;

absl::Status NoLink(const std::string& link_id) {
  return absl::NotFoundError(absl::StrCat("link_id: no link of this id (", link_id.size(),
                                          " bytes); EventService.ListLinks shows those there are"));
}

void Forget(const std::string& key, storage::v1::EventRecord& record) {
  auto* all = record.mutable_corrections();
  all->erase(std::remove_if(all->begin(), all->end(),
                            [&](const auto& one) { return key == kEveryLink || one.key() == key; }),
             all->end());
}

absl::Status CheckChange(const v1::CorrectLinkRequest& request) {
  switch (request.change_case()) {
    case v1::CorrectLinkRequest::kWeight:
      if (request.weight() > 0.0 && request.weight() <= 100.0) return absl::OkStatus();
      return absl::InvalidArgumentError(
          absl::StrCat("weight: got ", request.weight(), ", wanted over 0 and up to 100; undo makes a link count nothing"));
    case v1::CorrectLinkRequest::kUndo:
      if (request.undo()) return absl::OkStatus();
      break;
    case v1::CorrectLinkRequest::kRestore:
      if (request.restore()) return absl::OkStatus();
      break;
    case v1::CorrectLinkRequest::CHANGE_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("change: wanted a weight, undo = true or restore = true");
}

template <typename Names>
void SetHeld(const std::string& name, bool hold, Names* names) {
  const auto at = std::find(names->begin(), names->end(), name);
  if (hold && at == names->end()) *names->Add() = name;
  if (!hold && at != names->end()) names->erase(at);
}

template <typename Response>
Response HoldsResponse(const storage::v1::LinkHolds& holds, uint64_t events_changed) {
  Response response;
  *response.mutable_sources() = holds.sources();
  *response.mutable_principals() = holds.principals();
  response.set_events_changed(events_changed);
  return response;
}

}  // namespace

v1::Link ToApi(const storage::v1::EventRecord& record, const EventLink& link) {
  v1::Link api;
  api.set_link_id(LinkId(record.event().event_id(), link.key));
  api.set_event_id(record.event().event_id());
  api.set_kind(link.kind);
  api.set_state(link.state);
  api.set_weight(link.weight);
  api.set_formed_weight(link.formed_weight);
  for (const auto& [slot, part_id] : link.parts) {
    api.add_part_ids(part_id);
    const uint64_t item_id = part_id >> 16;
    if (api.item_ids().empty() || api.item_ids(api.item_ids_size() - 1) != item_id) api.add_item_ids(item_id);
  }
  api.set_explanation(link.explanation);
  std::string principal = record.event().principal();
  if (principal.empty() && !record.event().members().empty()) principal = record.event().members(0).principal();
  api.set_principal(PrincipalOf(principal));
  api.set_source(record.event().source());
  *api.mutable_created_time() = record.event().created_time();
  return api;
}

absl::StatusOr<std::vector<v1::Link>> EventBook::CorrectLink(const v1::CorrectLinkRequest& request) {
  MIXMATCH_RETURN_IF_ERROR(CheckChange(request));
  absl::MutexLock lock(&mutex_);
  EventEdit edit = Edit();
  // An event's own id may hold a '#' too.
  MIXMATCH_ASSIGN_OR_RETURN(storage::v1::EventRecord* record, edit.Open(request.link_id()));
  std::string key = kEveryLink;
  if (record->event().members().empty()) {
    const auto [event_id, link_key] = SplitLinkId(request.link_id());
    MIXMATCH_ASSIGN_OR_RETURN(record, edit.Open(event_id));
    key = link_key;
  }
  if (record->event().members().empty()) return NoLink(request.link_id());
  MIXMATCH_ASSIGN_OR_RETURN(const storage::v1::LinkHolds holds, ReadHolds(store_));
  const auto links = [&]() { return LinksOf(edit.Facts(), holds, *record, /*explain=*/true); };
  MIXMATCH_ASSIGN_OR_RETURN(const std::vector<EventLink> before, links());
  const bool known = key == kEveryLink || std::any_of(before.begin(), before.end(),
                                                      [&](const EventLink& link) { return link.key == key; });
  if (!known) return NoLink(request.link_id());
  Forget(key, *record);
  if (!request.restore()) {
    storage::v1::LinkCorrection& correction = *record->add_corrections();
    correction.set_key(key);
    correction.set_undone(request.undo());
    correction.set_weight(request.undo() ? 0.0 : request.weight());
  }
  edit.RelearnAll(*record);
  MIXMATCH_ASSIGN_OR_RETURN(const std::vector<EventLink> after, links());
  std::vector<v1::Link> shown;
  for (const EventLink& link : after) {
    if ((key == kEveryLink || link.key == key) && shown.size() < kMostLinksShown) shown.push_back(ToApi(*record, link));
  }
  MIXMATCH_RETURN_IF_ERROR(edit.Commit(learner_).status());
  return shown;
}

template <typename Request>
absl::StatusOr<EventBook::Whose> EventBook::WhoseOf(const Request& request) {
  switch (request.of_case()) {
    case Request::kSource:
      return Whose{true, request.source()};
    case Request::kPrincipal:
      if (!request.principal().empty()) return Whose{false, request.principal()};
      return absl::InvalidArgumentError("principal: got an empty one, wanted a name, such as local");
    default:
      return absl::InvalidArgumentError("of: got neither a source nor a principal, wanted one of them");
  }
}

bool EventBook::Brought(const Whose& whose, const ItemRecord& record) const {
  return whose.name == (whose.by_source ? record.item().source() : PrincipalOf(record.principal()));
}

absl::StatusOr<std::set<std::string>> EventBook::EventsOf(const Whose& whose) const {
  std::set<std::string> ids;
  for (const auto& record : catalog_.From(0, SIZE_MAX)) {
    if (!Brought(whose, *record)) continue;
    ids.insert(ContainerId(record->item().item_id()));
    MIXMATCH_ASSIGN_OR_RETURN(const auto events, store_.GetEventIds(record->item().item_id()));
    ids.insert(events.begin(), events.end());
  }
  // What else counts alone, or no longer does: the other items of formed events.
  std::set<std::string> others;
  for (const std::string& event_id : ids) {
    if (!absl::StartsWith(event_id, kFormedPrefix)) continue;
    MIXMATCH_ASSIGN_OR_RETURN(const auto record, store_.GetEvent(event_id));
    for (const v1::EventMember& member : record.event().members()) others.insert(ContainerId(member.item_id()));
  }
  ids.merge(others);
  if (whose.by_source) return ids;
  MIXMATCH_RETURN_IF_ERROR(store_.ForEachEvent("", [&](const storage::v1::EventRecord& record) {
    const auto& members = record.event().members();
    const bool has = std::any_of(members.begin(), members.end(), [&](const v1::EventMember& member) {
      return PrincipalOf(member.principal()) == whose.name;
    });
    if (has) ids.insert(record.event().event_id());
    return true;
  }));
  return ids;
}

absl::StatusOr<storage::v1::LinkHolds> EventBook::ChangeHolds(const Whose& whose, bool hold,
                                                              uint64_t& events_changed) {
  MIXMATCH_ASSIGN_OR_RETURN(storage::v1::LinkHolds holds, ReadHolds(store_));
  SetHeld(whose.name, hold, whose.by_source ? holds.mutable_sources() : holds.mutable_principals());
  MIXMATCH_ASSIGN_OR_RETURN(const std::set<std::string> events, EventsOf(whose));
  EventEdit edit = Edit();
  PutHolds(holds, edit.batch());
  for (const std::string& event_id : events) edit.Relearn(event_id);
  MIXMATCH_RETURN_IF_ERROR(edit.Commit(learner_).status());
  events_changed = events.size();
  return holds;
}

absl::StatusOr<v1::HoldLinksResponse> EventBook::HoldLinks(const v1::HoldLinksRequest& request) {
  MIXMATCH_ASSIGN_OR_RETURN(const Whose whose, WhoseOf(request));
  absl::MutexLock lock(&mutex_);
  uint64_t changed = 0;
  MIXMATCH_ASSIGN_OR_RETURN(const storage::v1::LinkHolds holds, ChangeHolds(whose, /*hold=*/true, changed));
  return HoldsResponse<v1::HoldLinksResponse>(holds, changed);
}

absl::StatusOr<v1::ReleaseLinksResponse> EventBook::ReleaseLinks(const v1::ReleaseLinksRequest& request) {
  MIXMATCH_ASSIGN_OR_RETURN(const Whose whose, WhoseOf(request));
  absl::MutexLock lock(&mutex_);
  uint64_t changed = 0;
  MIXMATCH_ASSIGN_OR_RETURN(const storage::v1::LinkHolds holds, ChangeHolds(whose, /*hold=*/false, changed));
  if (whose.by_source) MIXMATCH_RETURN_IF_ERROR(Uncap(whose.name).status());
  return HoldsResponse<v1::ReleaseLinksResponse>(holds, changed);
}

// Learns what was held beyond the cap, by event id, as far as the cap now allows.
absl::StatusOr<uint64_t> EventBook::Uncap(const std::string& source) {
  MIXMATCH_ASSIGN_OR_RETURN(const std::set<std::string> events, EventsOf({true, source}));
  EventEdit edit = Edit();
  for (const std::string& event_id : events) {
    MIXMATCH_ASSIGN_OR_RETURN(storage::v1::EventRecord* record, edit.Open(event_id));
    if (record->held() && record->event().source() == source) {
      MIXMATCH_RETURN_IF_ERROR(edit.Weigh(*record));
      edit.RelearnAll(*record);
    }
    const v1::Event before = record->event();
    for (const v1::EventMember& member : before.members()) {
      const ItemRecord* item = edit.Item(member.item_id());
      if (!member.held() || item == nullptr || item->item().source() != source) continue;
      edit.PutMember(member, PrincipalOf(member.principal()), *record);
    }
  }
  return edit.Commit(learner_);
}

absl::StatusOr<v1::RemoveLinksResponse> EventBook::RemoveLinks(const v1::RemoveLinksRequest& request) {
  MIXMATCH_ASSIGN_OR_RETURN(const Whose whose, WhoseOf(request));
  absl::MutexLock lock(&mutex_);
  v1::RemoveLinksResponse response;
  std::vector<std::shared_ptr<const ItemRecord>> items;
  for (const auto& record : catalog_.From(0, SIZE_MAX)) {
    // Those that were linked again since the last removal are in it again.
    const bool linked = !record->links_removed() || !record->item().event_ids().empty();
    if (Brought(whose, *record) && linked) items.push_back(record);
  }
  for (size_t at = 0; at < items.size(); at += kItemsABatch) {
    EventEdit edit = Edit();
    const size_t end = std::min(items.size(), at + kItemsABatch);
    // All at once, so that none forms an event anew in another's place.
    for (size_t i = at; i < end; ++i) {
      ItemRecord record = *items[i];
      record.set_links_removed(true);
      record.mutable_item()->clear_event_ids();
      edit.PutItem(record);
    }
    for (size_t i = at; i < end; ++i) {
      const uint64_t item_id = items[i]->item().item_id();
      MIXMATCH_RETURN_IF_ERROR(RetractItem(*items[i], /*forever=*/false, edit));
      MIXMATCH_RETURN_IF_ERROR(edit.Dissolve(ContainerId(item_id), /*forever=*/true));
      edit.Relearn(ContainerId(item_id));
    }
    MIXMATCH_ASSIGN_OR_RETURN(const uint64_t changed, edit.Commit(learner_));
    response.set_items(response.items() + end - at);
    response.set_events_changed(response.events_changed() + changed);
  }
  if (whose.by_source) return response;
  // Memberships that the principal made of items that others brought.
  MIXMATCH_ASSIGN_OR_RETURN(const std::set<std::string> events, EventsOf(whose));
  EventEdit edit = Edit();
  for (const std::string& event_id : events) {
    MIXMATCH_ASSIGN_OR_RETURN(storage::v1::EventRecord* record, edit.Open(event_id));
    if (record->event().kind() != v1::EVENT_KIND_DECLARED) continue;
    const v1::Event before = record->event();
    auto* members = record->mutable_event()->mutable_members();
    members->erase(std::remove_if(members->begin(), members->end(),
                                  [&](const v1::EventMember& member) {
                                    return PrincipalOf(member.principal()) == whose.name;
                                  }),
                   members->end());
    for (const v1::EventMember& member : before.members()) {
      const bool left = std::any_of(members->begin(), members->end(), [&](const v1::EventMember& other) {
        return other.item_id() == member.item_id();
      });
      if (!left) MIXMATCH_RETURN_IF_ERROR(PutMembership(member.item_id(), event_id, false, edit));
    }
    const v1::Event after = record->event();
    MIXMATCH_RETURN_IF_ERROR(FormUndeclared(before, after, edit));
  }
  MIXMATCH_ASSIGN_OR_RETURN(const uint64_t changed, edit.Commit(learner_));
  response.set_events_changed(response.events_changed() + changed);
  return response;
}

}  // namespace mixmatch::server
