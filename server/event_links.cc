#include "server/event_links.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "model/modality/modality.h"
#include "proto/base/status_macros.h"
#include "server/container_links.h"
#include "server/occurrences.h"

namespace mixmatch::server {
namespace {

constexpr char kHoldsMeta[] = "link_holds";
constexpr double kPlaceWeight = 0.25;       // At no distance.
constexpr double kFolderWeight = 0.25;
constexpr double kSameModalityWeight = 0.25;  // Of two moments of one kind: they are like each other, seldom one thing.
constexpr size_t kFewParts = 16;            // Of an item that has no times, or as a whole.

using FactsList = std::vector<std::shared_ptr<const ItemFacts>>;

// A part on the clock of its source.
struct Moment {
  const v1::Part* part;
  Occurrence when;
};

bool Contains(const google::protobuf::RepeatedPtrField<std::string>& names, absl::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

EventLink MakeLink(std::string key, v1::EventKind kind, double weight) {
  EventLink link;
  link.key = std::move(key);
  link.kind = kind;
  link.formed_weight = link.weight = weight;
  return link;
}

void AddFew(const ItemFacts& item, EventLink& link) {
  for (const v1::Part* part : Few(item.parts, kFewParts)) link.parts.push_back(SlotAndPart(*part));
}

std::string NameOf(const ItemFacts& item) {
  return item.record.item().name().empty() ? absl::StrCat("item ", item.record.item().item_id())
                                           : item.record.item().name();
}

// Timed parts in order; of an item without any, a few as moments at its own time.
std::vector<Moment> MomentsOf(const ItemFacts& item, double at) {
  std::vector<Moment> moments;
  const auto add = [&](const v1::Part& part, double begin, double end) {
    Moment moment{&part, {}};
    moment.when.item_id = part.part_id();
    moment.when.begin = begin;
    moment.when.end = end;
    moments.push_back(moment);
  };
  for (const v1::Part& part : item.parts) {
    if (HasTime(part)) add(part, at + part.start_seconds(), at + part.end_seconds());
  }
  if (moments.empty()) {
    for (const v1::Part* part : Few(item.parts, kFewParts)) add(*part, at, at);
  }
  std::sort(moments.begin(), moments.end(), [](const Moment& a, const Moment& b) {
    return std::make_pair(a.when.begin, a.when.item_id) < std::make_pair(b.when.begin, b.when.item_id);
  });
  return moments;
}

double LongestOf(const std::vector<Moment>& moments) {
  double longest = 0.0;
  for (const Moment& moment : moments) longest = std::max(longest, moment.when.end - moment.when.begin);
  return longest;
}

// For each of `from`, those of `to` at the same time; where there are none, the nearest ones within the window.
void Pair(const std::vector<Moment>& from, const std::vector<Moment>& to, double window, int nearest,
          std::map<std::pair<uint64_t, uint64_t>, double>& gaps) {
  const double longest = LongestOf(to);
  for (const Moment& one : from) {
    auto it = std::lower_bound(to.begin(), to.end(), one.when.begin - window - longest,
                               [](const Moment& other, double begin) { return other.when.begin < begin; });
    std::vector<std::tuple<bool, double, double, uint64_t>> near;
    for (; it != to.end() && it->when.begin <= one.when.end + window; ++it) {
      const double gap = Gap(one.when, it->when);
      if (gap > window) continue;
      const double apart = std::abs(one.when.begin + one.when.end - it->when.begin - it->when.end) / 2;
      near.emplace_back(!Overlap(one.when, it->when), gap, apart, it->part->part_id());
    }
    std::sort(near.begin(), near.end());
    int taken = 0;
    for (const auto& [beside, gap, apart, part_id] : near) {
      if (taken++ == nearest || beside != std::get<0>(near.front())) break;
      const uint64_t own = one.part->part_id();
      gaps.emplace(std::make_pair(std::min(own, part_id), std::max(own, part_id)), gap);
    }
  }
}

std::vector<EventLink> TimeLinks(const FactsList& items, const storage::v1::EventRecord& record, bool explain) {
  std::vector<EventLink> links;
  if (items.size() != 2 || !(record.reach() > 0.0)) return links;
  const ItemFacts &a = *items[0], &b = *items[1];
  const Occurrence at_a = OccurrenceOf(a.record.item()), at_b = OccurrenceOf(b.record.item());
  if (!at_a.timed || !at_b.timed) return links;
  // Relative to the first, so that seconds since 1970 do not cost the small numbers their precision.
  const std::vector<Moment> first = MomentsOf(a, 0.0), second = MomentsOf(b, at_b.begin - at_a.begin);
  std::map<std::pair<uint64_t, uint64_t>, double> gaps;
  Pair(first, second, record.reach(), std::max(1, record.nearest()), gaps);
  Pair(second, first, record.reach(), std::max(1, record.nearest()), gaps);
  std::map<uint64_t, const v1::Part*> parts;
  for (const auto* moments : {&first, &second}) {
    for (const Moment& moment : *moments) parts[moment.part->part_id()] = moment.part;
  }
  for (const auto& [pair, gap] : gaps) {
    const v1::Part &one = *parts[pair.first], &other = *parts[pair.second];
    double weight = std::exp(-gap / record.reach());
    if (one.modality() == other.modality()) weight *= kSameModalityWeight;
    EventLink link = MakeLink(absl::StrCat(pair.first, "-", pair.second), v1::EVENT_KIND_TIME, weight);
    link.parts = {SlotAndPart(one), SlotAndPart(other)};
    if (explain) {
      const std::string apart = gap > 0.0 ? absl::StrFormat("%.1f s apart", gap) : "at the same time";
      link.explanation =
          absl::StrFormat("%s at source %s: weight %.2f", apart, record.event().source(), link.formed_weight);
    }
    links.push_back(std::move(link));
  }
  return links;
}

bool IsAnchor(const ItemFacts& item) {
  return std::any_of(item.parts.begin(), item.parts.end(),
                     [](const v1::Part& part) { return part.modality() == v1::MODALITY_VIDEO && HasTime(part); });
}

// What overlaps each timed part of the main item: its shots if it has any.
void OverlapLinks(const ItemFacts& main, const FactsList& timed, const std::string& why, std::vector<EventLink>& links) {
  const bool video = IsAnchor(main);
  std::vector<std::pair<const ItemFacts*, std::vector<Moment>>> others;
  for (const auto& item : timed) others.emplace_back(item.get(), MomentsOf(*item, 0.0));
  for (const v1::Part& anchor : main.parts) {
    if (!HasTime(anchor) || (video && anchor.modality() != v1::MODALITY_VIDEO)) continue;
    EventLink link = MakeLink(absl::StrCat("t", anchor.part_id()), v1::EVENT_KIND_NAME, 1.0);
    Occurrence when;
    when.begin = anchor.start_seconds();
    when.end = anchor.end_seconds();
    bool from_others = false;
    for (const auto& [item, moments] : others) {
      auto it = std::lower_bound(moments.begin(), moments.end(), when.begin - LongestOf(moments),
                                 [](const Moment& moment, double begin) { return moment.when.begin < begin; });
      for (; it != moments.end() && it->when.begin < when.end; ++it) {
        if (it->part == &anchor || !Overlap(it->when, when)) continue;
        if (item == &main && it->part->modality() == anchor.modality()) continue;
        from_others |= item != &main;
        link.parts.push_back(SlotAndPart(*it->part));
      }
    }
    if (!from_others) continue;
    link.parts.push_back(SlotAndPart(anchor));
    if (!why.empty()) {
      link.explanation = absl::StrFormat("%s, at the same time: %.1f s to %.1f s", why, when.begin, when.end);
    }
    links.push_back(std::move(link));
  }
}

std::vector<EventLink> NameLinks(const FactsList& items, const storage::v1::EventRecord& record, bool explain) {
  std::vector<EventLink> links;
  if (items.size() < 2) return links;
  const v1::Item& named = items[0]->record.item();
  const std::string why =
      !explain ? ""
               : absl::StrCat(items.size() == 2 ? "both named " : "all named ", StemOf(named.name()), " in source ",
                              record.event().source());
  FactsList timed;
  for (const auto& item : items) {
    if (std::any_of(item->parts.begin(), item->parts.end(), HasTime)) timed.push_back(item);
  }
  if (timed.size() >= 2) {
    const auto main = std::find_if(timed.begin(), timed.end(), [](const auto& item) { return IsAnchor(*item); });
    OverlapLinks(main == timed.end() ? *timed[0] : **main, timed, why, links);
    if (timed.size() == items.size()) return links;
  }
  EventLink all = MakeLink("all", v1::EVENT_KIND_NAME, 1.0);
  for (const auto& item : items) AddFew(*item, all);
  all.explanation = why;
  links.push_back(std::move(all));
  return links;
}

std::vector<EventLink> FolderLinks(const FactsList& items, const storage::v1::EventRecord& record, bool explain) {
  if (items.size() < 2) return {};
  EventLink all = MakeLink("all", v1::EVENT_KIND_FOLDER, kFolderWeight);
  for (const auto& item : items) AddFew(*item, all);
  if (explain) {
    all.explanation = absl::StrCat("all in folder ", FolderOf(items[0]->record.item().name()), " of source ",
                                   record.event().source());
  }
  return {std::move(all)};
}

std::vector<EventLink> PlaceLinks(const FactsList& items, const storage::v1::EventRecord& record, bool explain) {
  if (items.size() != 2 || !(record.reach() > 0.0)) return {};
  const Occurrence a = OccurrenceOf(items[0]->record.item()), b = OccurrenceOf(items[1]->record.item());
  if (!a.placed || !b.placed) return {};
  const double meters = Distance(a, b);
  EventLink all = MakeLink("all", v1::EVENT_KIND_PLACE, kPlaceWeight * std::exp(-meters / record.reach()));
  for (const auto& item : items) AddFew(*item, all);
  if (explain) {
    all.explanation = absl::StrFormat("%s and %s, %.0f m apart: weight %.2f", NameOf(*items[0]), NameOf(*items[1]),
                                      meters, all.formed_weight);
  }
  return {std::move(all)};
}

// One link of the members that count; each of the others is shown by itself.
std::vector<EventLink> DeclaredLinks(const FactsList& items, const storage::v1::LinkHolds& holds,
                                     const storage::v1::EventRecord& record, bool explain) {
  EventLink all = MakeLink("all", v1::EVENT_KIND_DECLARED, 0.0);
  std::vector<EventLink> links;
  double members = 0.0;
  auto item = items.begin();
  for (const v1::EventMember& member : record.event().members()) {
    // Both ascend.
    while (item != items.end() && (*item)->record.item().item_id() < member.item_id()) ++item;
    if (item == items.end() || (*item)->record.item().item_id() != member.item_id() || (*item)->parts.empty()) continue;
    const bool held = IsHeld(holds, (*item)->record) || Contains(holds.principals(), PrincipalOf(member.principal()));
    EventLink apart = MakeLink(absl::StrCat("m", member.part_id() != 0 ? member.part_id() : member.item_id()),
                               v1::EVENT_KIND_DECLARED, member.weight());
    EventLink& link = held || member.held() ? apart : all;
    for (const v1::Part& part : (*item)->parts) {
      if (member.part_id() == 0 || member.part_id() == part.part_id()) link.parts.push_back(SlotAndPart(part));
    }
    if (&link == &apart) {
      apart.state = held ? v1::LINK_STATE_HELD : v1::LINK_STATE_CAPPED;
      if (explain) {
        apart.explanation = absl::StrCat("declared as event ", record.event().event_id(), "; not learned, ",
                                         held ? "its source or principal is held back"
                                              : "its source has taught as much as it may");
      }
      links.push_back(std::move(apart));
    } else {
      all.formed_weight += member.weight();
      members += 1.0;
    }
  }
  if (all.parts.empty()) return links;
  all.formed_weight /= members;
  all.weight = all.formed_weight;
  if (explain) all.explanation = absl::StrCat("declared as event ", record.event().event_id());
  links.push_back(std::move(all));
  return links;
}

void Correct(const storage::v1::EventRecord& record, EventLink& link) {
  const storage::v1::LinkCorrection* said = nullptr;
  for (const auto& correction : record.corrections()) {
    if (correction.key() == link.key) said = &correction;
    if (said == nullptr && correction.key() == kEveryLink) said = &correction;
  }
  if (said == nullptr) return;
  if (said->weight() > 0.0) link.weight = said->weight();
  if (said->undone()) link.state = v1::LINK_STATE_UNDONE;
}

}  // namespace

FactsReader StoreFacts(const index::Store& store) {
  return [&store](uint64_t item_id) -> absl::StatusOr<std::shared_ptr<const ItemFacts>> {
    auto record = store.GetItem(item_id);
    if (absl::IsNotFound(record.status())) return std::shared_ptr<const ItemFacts>();
    MIXMATCH_RETURN_IF_ERROR(record.status());
    auto facts = std::make_shared<ItemFacts>();
    facts->record = *std::move(record);
    MIXMATCH_ASSIGN_OR_RETURN(const auto parts, store.GetParts(item_id));
    for (const auto& part : parts) facts->parts.push_back(part.part());
    return std::shared_ptr<const ItemFacts>(std::move(facts));
  };
}

std::string PrincipalOf(absl::string_view principal) {
  return std::string(principal.empty() ? kLocalPrincipal : principal);
}

bool IsHeld(const storage::v1::LinkHolds& holds, const storage::v1::ItemRecord& record) {
  return Contains(holds.sources(), record.item().source()) || Contains(holds.principals(), PrincipalOf(record.principal()));
}

absl::StatusOr<storage::v1::LinkHolds> ReadHolds(const index::Store& store) {
  storage::v1::LinkHolds holds;
  const auto stored = store.GetMeta(kHoldsMeta);
  if (absl::IsNotFound(stored.status())) return holds;
  MIXMATCH_RETURN_IF_ERROR(stored.status());
  if (!holds.ParseFromString(*stored)) return absl::DataLossError("store: the list of held sources cannot be read");
  return holds;
}

void PutHolds(const storage::v1::LinkHolds& holds, index::StoreBatch& batch) {
  batch.PutMeta(kHoldsMeta, holds.SerializeAsString());
}

absl::StatusOr<std::vector<EventLink>> LinksOf(const FactsReader& facts, const storage::v1::LinkHolds& holds,
                                               const storage::v1::EventRecord& record, bool explain) {
  const v1::Event& event = record.event();
  FactsList items;
  for (const v1::EventMember& member : event.members()) {
    if (!items.empty() && items.back()->record.item().item_id() == member.item_id()) continue;
    MIXMATCH_ASSIGN_OR_RETURN(auto item, facts(member.item_id()));
    if (item != nullptr) items.push_back(std::move(item));
  }
  std::vector<EventLink> links;
  switch (event.kind()) {
    case v1::EVENT_KIND_CONTAINER:
      if (!items.empty()) links = ContainerLinks(items[0]->parts, explain);
      break;
    case v1::EVENT_KIND_NAME:
      links = NameLinks(items, record, explain);
      break;
    case v1::EVENT_KIND_TIME:
      links = TimeLinks(items, record, explain);
      break;
    case v1::EVENT_KIND_PLACE:
      links = PlaceLinks(items, record, explain);
      break;
    case v1::EVENT_KIND_FOLDER:
      links = FolderLinks(items, record, explain);
      break;
    default:
      links = DeclaredLinks(items, holds, record, explain);
  }
  // A formed link stands or falls with every item of it; a declared one goes on without the members that do not count.
  if (event.kind() != v1::EVENT_KIND_DECLARED && event.kind() != v1::EVENT_KIND_UNSPECIFIED) {
    std::set<uint64_t> refused;
    for (const auto& item : items) {
      if (IsHeld(holds, item->record) || item->record.links_removed()) refused.insert(item->record.item().item_id());
    }
    for (EventLink& link : links) {
      if (record.held()) link.state = v1::LINK_STATE_CAPPED;
      const bool held = std::any_of(link.parts.begin(), link.parts.end(),
                                    [&](const auto& part) { return refused.count(part.second >> 16) > 0; });
      if (held) link.state = v1::LINK_STATE_HELD;
    }
  }
  for (EventLink& link : links) {
    std::sort(link.parts.begin(), link.parts.end(),
              [](const auto& a, const auto& b) { return a.second < b.second; });
    link.parts.erase(std::unique(link.parts.begin(), link.parts.end()), link.parts.end());
    Correct(record, link);
  }
  links.erase(std::remove_if(links.begin(), links.end(), [](const EventLink& link) { return link.parts.empty(); }),
              links.end());
  std::stable_sort(links.begin(), links.end(), [](const EventLink& a, const EventLink& b) {
    return a.parts.front().second < b.parts.front().second;
  });
  return links;
}

std::string LinkId(absl::string_view event_id, absl::string_view key) { return absl::StrCat(event_id, "#", key); }

std::pair<std::string, std::string> SplitLinkId(absl::string_view link_id) {
  const size_t at = link_id.rfind('#');
  if (at == absl::string_view::npos) return {std::string(link_id), kEveryLink};
  return {std::string(link_id.substr(0, at)), std::string(link_id.substr(at + 1))};
}

}  // namespace mixmatch::server
