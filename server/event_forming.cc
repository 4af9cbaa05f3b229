#include "server/event_forming.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "proto/base/sha256.h"
#include "server/event_links.h"

namespace mixmatch::server {
namespace {

constexpr size_t kMostOfStem = 16;
constexpr size_t kMostOfFolder = 8;

// Names are of any length and content; ids are neither.
std::string NamedId(absl::string_view rule, absl::string_view source, absl::string_view name) {
  Sha256 hash;
  hash.Update(source);
  hash.Update(absl::string_view("\0", 1));
  hash.Update(name);
  return absl::StrCat(kFormedPrefix, rule, ":", absl::BytesToHexString(hash.Finish().substr(0, 16)));
}

std::string PairId(absl::string_view rule, uint64_t a, uint64_t b) {
  return absl::StrCat(kFormedPrefix, rule, ":", std::min(a, b), "-", std::max(a, b));
}

bool Has(const std::vector<uint64_t>& ids, uint64_t id) { return std::find(ids.begin(), ids.end(), id) != ids.end(); }

std::vector<Occurrence> Without(std::vector<Occurrence> all, uint64_t id) {
  all.erase(std::remove_if(all.begin(), all.end(), [&](const Occurrence& one) { return one.item_id == id; }), all.end());
  return all;
}

}  // namespace

FormedEvent EventForming::TimeEvent(const v1::Item& item, uint64_t a, uint64_t b) const {
  FormedEvent event;
  event.event_id = PairId("time", a, b);
  event.kind = v1::EVENT_KIND_TIME;
  event.item_ids = {std::min(a, b), std::max(a, b)};
  event.source = item.source();
  event.reach = options_.window_seconds;
  event.nearest = options_.nearest;
  return event;
}

std::vector<uint64_t> EventForming::Pick(const Occurrence& of, std::vector<Occurrence> near) const {
  const auto order = [&](const Occurrence& one) {
    const double apart = std::abs(one.begin + one.end - of.begin - of.end);
    return std::make_tuple(!Overlap(one, of), Gap(one, of), apart, one.item_id);
  };
  std::sort(near.begin(), near.end(), [&](const Occurrence& a, const Occurrence& b) { return order(a) < order(b); });
  std::map<v1::Modality, std::pair<bool, int>> taken;  // Whether they overlap, and how many.
  std::vector<uint64_t> picked;
  for (const Occurrence& one : near) {
    auto& [overlap, count] = taken.emplace(one.modality, std::make_pair(Overlap(one, of), 0)).first->second;
    if (count == options_.nearest || (overlap && !Overlap(one, of))) continue;
    ++count;
    picked.push_back(one.item_id);
  }
  return picked;
}

void EventForming::FormNames(const v1::Item& item, FormingChange& change, std::set<uint64_t>& linked) const {
  const std::string stem = StemOf(item.name());
  if (!options_.names || item.source().empty() || stem.empty()) return;
  FormedEvent event;
  event.event_id = NamedId("name", item.source(), stem);
  event.kind = v1::EVENT_KIND_NAME;
  event.item_ids = occurrences_.OfStem(item.source(), stem, kMostOfStem);
  event.source = item.source();
  if (event.item_ids.size() < 2) {
    change.gone.push_back(event.event_id);
    return;
  }
  if (Has(event.item_ids, item.item_id())) linked.insert(event.item_ids.begin(), event.item_ids.end());
  change.put.push_back(std::move(event));
}

void EventForming::FormFolders(const v1::Item& item, FormingChange& change) const {
  const std::string folder = FolderOf(item.name());
  if (!options_.folders || item.source().empty() || folder.empty()) return;
  FormedEvent event;
  event.event_id = NamedId("folder", item.source(), folder);
  event.kind = v1::EVENT_KIND_FOLDER;
  event.item_ids = occurrences_.OfFolder(item.source(), folder, kMostOfFolder + 1);
  event.source = item.source();
  if (event.item_ids.size() < 2 || event.item_ids.size() > kMostOfFolder) {
    change.gone.push_back(event.event_id);
  } else {
    change.put.push_back(std::move(event));
  }
}

void EventForming::FormTimes(const v1::Item& item, FormingChange& change, std::set<uint64_t>& linked) const {
  const Occurrence own = OccurrenceOf(item);
  if (!options_.times || item.source().empty() || !own.timed) return;
  const std::vector<Occurrence> near = occurrences_.NearInTime(item.source(), own, options_.window_seconds);
  const std::vector<uint64_t> mine = Pick(own, near);
  for (const Occurrence& other : near) {
    const auto around = occurrences_.NearInTime(item.source(), other, options_.window_seconds);
    const std::vector<uint64_t> after = Pick(other, around);
    if (Has(mine, other.item_id) || Has(after, own.item_id)) {
      if (!linked.insert(other.item_id).second) continue;
      change.put.push_back(TimeEvent(item, own.item_id, other.item_id));
    }
    // What it was linked with for want of this one, unless the other side still has nothing better.
    const std::vector<uint64_t> before = Pick(other, Without(around, own.item_id));
    for (uint64_t left : before) {
      if (Has(after, left)) continue;
      const auto partner =
          std::find_if(around.begin(), around.end(), [&](const Occurrence& one) { return one.item_id == left; });
      if (partner == around.end()) continue;
      const auto theirs = Pick(*partner, occurrences_.NearInTime(item.source(), *partner, options_.window_seconds));
      if (!Has(theirs, other.item_id)) change.gone.push_back(PairId("time", other.item_id, left));
    }
  }
}

// The neighbors of what is gone may take others in its place.
void EventForming::MendTimes(const v1::Item& gone, FormingChange& change) const {
  const Occurrence own = OccurrenceOf(gone);
  if (!options_.times || gone.source().empty() || !own.timed) return;
  for (const Occurrence& other : occurrences_.NearInTime(gone.source(), own, options_.window_seconds)) {
    std::vector<Occurrence> around = occurrences_.NearInTime(gone.source(), other, options_.window_seconds);
    const std::vector<uint64_t> after = Pick(other, around);
    around.push_back(own);
    const std::vector<uint64_t> before = Pick(other, around);
    for (uint64_t taken : after) {
      if (!Has(before, taken)) change.put.push_back(TimeEvent(gone, other.item_id, taken));
    }
  }
}

void EventForming::FormPlaces(const v1::Item& item, FormingChange& change, const std::set<uint64_t>& linked) const {
  const Occurrence own = OccurrenceOf(item);
  if (!options_.places || !own.placed) return;
  std::vector<std::tuple<double, uint64_t, v1::Modality>> near;
  for (const Occurrence& other : occurrences_.NearInPlace(own, options_.radius_meters)) {
    // Of those at the same distance the newest.
    if (other.modality != own.modality) near.emplace_back(Distance(own, other), ~other.item_id, other.modality);
  }
  std::sort(near.begin(), near.end());
  std::map<v1::Modality, int> taken;
  for (const auto& [meters, inverted, modality] : near) {
    const uint64_t other = ~inverted;
    if (taken[modality] == options_.nearest || linked.count(other) > 0) continue;
    ++taken[modality];
    FormedEvent event;
    event.event_id = PairId("place", own.item_id, other);
    event.kind = v1::EVENT_KIND_PLACE;
    event.item_ids = {std::min(own.item_id, other), std::max(own.item_id, other)};
    event.source = item.source();
    event.reach = options_.radius_meters;
    change.put.push_back(std::move(event));
  }
}

FormingChange EventForming::Add(const v1::Item& item) {
  occurrences_.Add(item);
  return Look(item);
}

FormingChange EventForming::Look(const v1::Item& item) const {
  FormingChange change;
  std::set<uint64_t> linked;
  FormNames(item, change, linked);
  FormFolders(item, change);
  FormTimes(item, change, linked);
  FormPlaces(item, change, linked);
  return change;
}

FormingChange EventForming::Remove(const v1::Item& item) {
  occurrences_.Remove(item);
  FormingChange change;
  std::set<uint64_t> linked;
  FormNames(item, change, linked);
  FormFolders(item, change);
  MendTimes(item, change);
  return change;
}

}  // namespace mixmatch::server
