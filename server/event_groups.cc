#include "server/event_groups.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "model/modality/modality.h"
#include "proto/base/status_macros.h"
#include "server/validation.h"

namespace mixmatch::server {
namespace {

constexpr double kContainerWeight = 3.0;

std::pair<int, uint64_t> Key(const v1::Part& part) {
  return {model::SlotOf(static_cast<model::Modality>(part.modality())), part.part_id()};
}

bool Overlap(const v1::Part& a, const v1::Part& b) {
  return a.start_seconds() < b.end_seconds() && b.start_seconds() < a.end_seconds();
}

absl::StatusOr<std::vector<v1::Part>> PartsOf(const index::Store& store, uint64_t item_id) {
  MIXMATCH_ASSIGN_OR_RETURN(const auto records, store.GetParts(item_id));
  std::vector<v1::Part> parts;
  for (const auto& record : records) parts.push_back(record.part());
  return parts;
}

absl::StatusOr<std::vector<Group>> ItemGroups(const index::Store& store, uint64_t item_id) {
  const auto item = store.GetItem(item_id);
  if (absl::IsNotFound(item.status())) return std::vector<Group>();
  MIXMATCH_RETURN_IF_ERROR(item.status());
  MIXMATCH_ASSIGN_OR_RETURN(const std::vector<v1::Part> parts, PartsOf(store, item_id));
  std::vector<Group> groups = ContainerGroups(parts);
  const bool alone = groups.empty() && item->item().event_ids().empty();
  if (alone && parts.size() == 1) groups.push_back({1.0, {Key(parts[0])}});
  return groups;
}

}  // namespace

std::string ContainerId(uint64_t item_id) { return absl::StrCat(kContainerPrefix, item_id); }

uint64_t ContainerItem(absl::string_view event_id) {
  uint64_t item_id = 0;
  if (!absl::StartsWith(event_id, kContainerPrefix)) return 0;
  return absl::SimpleAtoi(event_id.substr(sizeof(kContainerPrefix) - 1), &item_id) ? item_id : 0;
}

std::vector<Group> ContainerGroups(absl::Span<const v1::Part> parts) {
  std::vector<Group> groups;
  if (parts.size() < 2) return groups;
  for (const v1::Part& shot : parts) {
    if (shot.modality() != v1::MODALITY_VIDEO) continue;
    Group group{kContainerWeight, {Key(shot)}};
    for (const v1::Part& other : parts) {
      if (other.modality() != v1::MODALITY_VIDEO && Overlap(shot, other)) group.parts.push_back(Key(other));
    }
    if (group.parts.size() > 1) groups.push_back(std::move(group));
  }
  if (groups.empty()) {
    Group all{1.0, {}};
    for (const v1::Part& part : parts) all.parts.push_back(Key(part));
    groups.push_back(std::move(all));
  }
  return groups;
}

absl::StatusOr<std::vector<Group>> GroupsOf(const index::Store& store, absl::string_view event_id) {
  if (const uint64_t item_id = ContainerItem(event_id); item_id != 0) return ItemGroups(store, item_id);
  const auto record = store.GetEvent(event_id);
  if (absl::IsNotFound(record.status())) return std::vector<Group>();
  MIXMATCH_RETURN_IF_ERROR(record.status());
  Group group{0.0, {}};
  double members = 0.0;
  for (const v1::EventMember& member : record->event().members()) {
    MIXMATCH_ASSIGN_OR_RETURN(const std::vector<v1::Part> parts, PartsOf(store, member.item_id()));
    for (const v1::Part& part : parts) {
      if (member.part_id() == 0 || member.part_id() == part.part_id()) group.parts.push_back(Key(part));
    }
    if (!parts.empty()) {
      group.weight += member.weight();
      members += 1.0;
    }
  }
  if (group.parts.empty()) return std::vector<Group>();
  group.weight /= members;
  std::sort(group.parts.begin(), group.parts.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  group.parts.erase(std::unique(group.parts.begin(), group.parts.end()), group.parts.end());
  return std::vector<Group>{std::move(group)};
}

}  // namespace mixmatch::server
