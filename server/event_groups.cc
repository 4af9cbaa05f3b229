#include "server/event_groups.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "proto/base/status_macros.h"
#include "server/container_links.h"
#include "server/event_links.h"
#include "server/validation.h"

namespace mixmatch::server {
namespace {

std::vector<Group> Learned(std::vector<EventLink> links) {
  std::vector<Group> groups;
  for (EventLink& link : links) {
    if (link.state == v1::LINK_STATE_LEARNED && link.weight > 0.0) groups.push_back({link.weight, std::move(link.parts)});
  }
  return groups;
}

// Whether no event that the server formed teaches this part.
absl::StatusOr<bool> IsAlone(const index::Store& store, const FactsReader& facts, const storage::v1::LinkHolds& holds,
                             uint64_t part_id) {
  MIXMATCH_ASSIGN_OR_RETURN(const auto events, store.GetEventIds(part_id >> 16));
  for (const std::string& event_id : events) {
    if (!absl::StartsWith(event_id, kFormedPrefix)) continue;
    const auto record = store.GetEvent(event_id);
    if (absl::IsNotFound(record.status())) continue;
    MIXMATCH_RETURN_IF_ERROR(record.status());
    MIXMATCH_ASSIGN_OR_RETURN(const auto links, LinksOf(facts, holds, *record));
    for (const Group& group : Learned(links)) {
      const bool has = std::any_of(group.parts.begin(), group.parts.end(),
                                   [&](const auto& slot_and_part) { return slot_and_part.second == part_id; });
      if (has) return false;
    }
  }
  return true;
}

absl::StatusOr<std::vector<Group>> ItemGroups(const index::Store& store, uint64_t item_id) {
  const FactsReader facts = StoreFacts(store);
  MIXMATCH_ASSIGN_OR_RETURN(const auto item, facts(item_id));
  if (item == nullptr || item->record.links_removed()) return std::vector<Group>();
  MIXMATCH_ASSIGN_OR_RETURN(const storage::v1::LinkHolds holds, ReadHolds(store));
  if (IsHeld(holds, item->record)) return std::vector<Group>();
  if (item->parts.size() == 1) {
    if (!item->record.item().event_ids().empty()) return std::vector<Group>();
    MIXMATCH_ASSIGN_OR_RETURN(const bool alone, IsAlone(store, facts, holds, item->parts[0].part_id()));
    if (!alone) return std::vector<Group>();
    return std::vector<Group>{{1.0, {SlotAndPart(item->parts[0])}}};
  }
  const auto record = store.GetEvent(ContainerId(item_id));
  if (absl::IsNotFound(record.status())) return ContainerGroups(item->parts);
  MIXMATCH_RETURN_IF_ERROR(record.status());
  MIXMATCH_ASSIGN_OR_RETURN(auto links, LinksOf(facts, holds, *record));
  return Learned(std::move(links));
}

}  // namespace

std::string ContainerId(uint64_t item_id) { return absl::StrCat(kContainerPrefix, item_id); }

uint64_t ContainerItem(absl::string_view event_id) {
  uint64_t item_id = 0;
  if (!absl::StartsWith(event_id, kContainerPrefix)) return 0;
  return absl::SimpleAtoi(event_id.substr(sizeof(kContainerPrefix) - 1), &item_id) ? item_id : 0;
}

std::vector<Group> ContainerGroups(absl::Span<const v1::Part> parts) { return Learned(ContainerLinks(parts)); }

absl::StatusOr<std::vector<Group>> GroupsOf(const index::Store& store, absl::string_view event_id) {
  if (const uint64_t item_id = ContainerItem(event_id); item_id != 0) return ItemGroups(store, item_id);
  const auto record = store.GetEvent(event_id);
  if (absl::IsNotFound(record.status())) return std::vector<Group>();
  MIXMATCH_RETURN_IF_ERROR(record.status());
  MIXMATCH_ASSIGN_OR_RETURN(const storage::v1::LinkHolds holds, ReadHolds(store));
  MIXMATCH_ASSIGN_OR_RETURN(auto links, LinksOf(StoreFacts(store), holds, *record));
  return Learned(std::move(links));
}

}  // namespace mixmatch::server
