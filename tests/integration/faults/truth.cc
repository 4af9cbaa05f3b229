#include "tests/integration/faults/truth.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/integration/media.h"

namespace mixmatch {
namespace {

constexpr const char* kWords[] = {"harbor", "lantern", "copper",  "meadow", "signal", "winter", "orchard", "granite",
                                  "violet", "engine",  "thunder", "paper",  "canyon", "falcon", "marble",  "ribbon",
                                  "cellar", "anchor",  "pepper",  "glacier", "violin", "desert", "candle",  "forest"};
constexpr uint64_t kWordCount = std::size(kWords);

v1::Filter Test(const std::string& field) {
  v1::Filter filter;
  filter.mutable_condition()->set_field(field);
  return filter;
}

v1::Filter Equals(const std::string& field, const std::string& text) {
  v1::Filter filter = Test(field);
  filter.mutable_condition()->mutable_equals()->set_text(text);
  return filter;
}

v1::Filter Both(const v1::Filter& a, const v1::Filter& b) {
  v1::Filter filter;
  v1::FilterList& both = *filter.mutable_all();
  *both.add_filters() = a;
  *both.add_filters() = b;
  return filter;
}

v1::Filter Not(const v1::Filter& a) {
  v1::Filter filter;
  *filter.mutable_not_() = a;
  return filter;
}

}  // namespace

std::string ContentOf(const std::string& owner, uint64_t number) {
  const auto seed = static_cast<uint32_t>(std::hash<std::string>()(owner) + number * 2654435761u);
  if (number % 23 == 5) return MakePng(seed, 16);
  if (number % 31 == 7) return MakeWav(seed, 0.1);
  std::string text = absl::StrCat("Note ", number, " of keeper ", owner, ":");
  uint64_t state = seed;
  for (int i = 0; i < 7; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    absl::StrAppend(&text, " ", kWords[(state >> 33) % kWordCount]);
  }
  return absl::StrCat(text, " ", number * 7919 % 100003, ".");
}

void Truth::PutItem(const TrueItem& item) { items_[item.number] = std::make_shared<TrueItem>(item); }

TrueEvent Truth::CopyOf(const std::string& event_id) const {
  const auto known = events_.find(event_id);
  return known == events_.end() ? TrueEvent() : *known->second;
}

void Truth::PutEvent(const std::string& event_id, TrueEvent event) {
  if (event.members.empty()) {
    events_.erase(event_id);
  } else {
    events_[event_id] = std::make_shared<TrueEvent>(std::move(event));
  }
}

void Truth::SetMembership(uint64_t number, const std::string& event_id, bool member) {
  const auto known = items_.find(number);
  if (known == items_.end()) return;
  TrueItem item = *known->second;
  if (member) {
    item.events.insert(event_id);
  } else {
    item.events.erase(event_id);
  }
  PutItem(item);
}

void Truth::Upload(const TrueItem& item) {
  PutItem(item);
  for (const std::string& event_id : item.events) Link(event_id, {{item.number, 1.0f}});
}

void Truth::Delete(uint64_t number) {
  const std::set<std::string> events = items_.at(number)->events;
  for (const std::string& event_id : events) Unlink(event_id, {number});
  items_.erase(number);
}

void Truth::Link(const std::string& event_id, const std::map<uint64_t, float>& members) {
  TrueEvent event = CopyOf(event_id);
  for (const auto& [number, weight] : members) {
    event.members[number] = weight;
    SetMembership(number, event_id, true);
  }
  PutEvent(event_id, std::move(event));
}

void Truth::Unlink(const std::string& event_id, const std::set<uint64_t>& members) {
  TrueEvent event = CopyOf(event_id);
  const std::map<uint64_t, float> before = event.members;
  for (const auto& [number, weight] : before) {
    if (!members.empty() && members.count(number) == 0) continue;
    event.members.erase(number);
    SetMembership(number, event_id, false);
  }
  PutEvent(event_id, std::move(event));
}

void Truth::Correct(const std::string& event_id, std::optional<double> weight) {
  TrueEvent event = CopyOf(event_id);
  event.correction = weight;
  PutEvent(event_id, std::move(event));
}

void Truth::Hold(const std::string& source, bool hold) {
  if (hold) {
    held_.insert(source);
  } else {
    held_.erase(source);
  }
}

void Truth::RemoveLinks(const std::string& source) {
  const Items items = items_;
  for (const auto& [number, item] : items) {
    if (item->source != source) continue;
    for (const std::string& event_id : item->events) Unlink(event_id, {number});
  }
}

std::string Difference(const Truth& truth, const TrueItem& item, const v1::Item& observed) {
  const auto differs = [&](const std::string& what, const auto& wanted, const auto& got) {
    return absl::StrCat("item ", item.item_id, " (number ", item.number, " of ", truth.owner(), "): ", what, " is '",
                        got, "', should be '", wanted, "'");
  };
  if (item.item_id != 0 && observed.item_id() != item.item_id) return differs("id", item.item_id, observed.item_id());
  if (observed.name() != item.name) return differs("name", item.name, observed.name());
  if (observed.source() != item.source) return differs("source", item.source, observed.source());
  if (observed.size_bytes() != item.size) return differs("size", item.size, observed.size_bytes());
  if (observed.sha256() != item.sha256) return differs("sha256", "that of its content", "another");
  if (observed.part_count() < 1) return differs("part_count", "1 or more", observed.part_count());
  const auto color = observed.metadata().find("color");
  const std::string got = color == observed.metadata().end() ? "" : color->second.text();
  if (got != item.color) return differs("metadata.color", item.color, got);
  const auto rank = observed.metadata().find("rank");
  if (rank == observed.metadata().end() || rank->second.number() != item.rank) {
    return differs("metadata.rank", item.rank, rank == observed.metadata().end() ? -1.0 : rank->second.number());
  }
  const std::set<std::string> events(observed.event_ids().begin(), observed.event_ids().end());
  if (events != item.events) return differs("number of events", item.events.size(), events.size());
  return "";
}

namespace {

std::string DifferenceOfEvent(const Truth& truth, const std::string& event_id, const TrueEvent& event,
                              const v1::Event& observed) {
  if (observed.members_size() != static_cast<int>(event.members.size())) {
    return absl::StrCat("event ", event_id, " has ", observed.members_size(), " members, should have ",
                        event.members.size());
  }
  for (const auto& [number, weight] : event.members) {
    const uint64_t item_id = truth.items().at(number)->item_id;
    const auto found = std::find_if(observed.members().begin(), observed.members().end(),
                                    [&](const v1::EventMember& member) { return member.item_id() == item_id; });
    if (item_id == 0) continue;  // Not known yet: the numbers of members agree.
    if (found == observed.members().end()) return absl::StrCat("event ", event_id, " lacks item ", item_id);
    if (found->weight() != weight) {
      return absl::StrCat("event ", event_id, ": weight of item ", item_id, " is ", found->weight(), ", should be ",
                          weight);
    }
  }
  return "";
}

std::string DifferenceOfLinks(const TrueEvent& event, const std::vector<v1::Link>& links) {
  const bool undone = event.correction == 0.0;
  for (const v1::Link& link : links) {
    // A weight is said of held links too; that they are undone is said rather than that they are held.
    const bool weighs = undone || link.weight() == event.correction.value_or(link.formed_weight());
    if (undone == (link.state() == v1::LINK_STATE_UNDONE) && weighs) continue;
    return absl::StrCat("link ", link.link_id(), " is ", v1::LinkState_Name(link.state()), " of weight ", link.weight(),
                        ", should be ", undone ? "undone" : "of weight ",
                        undone ? "" : absl::StrCat(event.correction.value_or(link.formed_weight())));
  }
  return "";
}

}  // namespace

std::string Difference(const Truth& truth, const Observed& observed) {
  for (const auto& [number, item] : truth.items()) {
    const auto found = observed.items.find(number);
    if (found == observed.items.end()) {
      return absl::StrCat("item ", item->item_id, " (number ", number, " of ", truth.owner(), ") is not there");
    }
    const std::string difference = Difference(truth, *item, found->second);
    if (!difference.empty()) return difference;
  }
  for (const auto& [number, item] : observed.items) {
    if (truth.items().count(number) == 0) {
      return absl::StrCat("item ", item.item_id(), " (number ", number, " of ", truth.owner(), ") should not be there");
    }
  }
  for (const auto& [event_id, event] : truth.events()) {
    const auto found = observed.events.find(event_id);
    if (found == observed.events.end()) return absl::StrCat("event ", event_id, " is not there");
    std::string difference = DifferenceOfEvent(truth, event_id, *event, found->second);
    const auto links = observed.links.find(event_id);
    if (difference.empty() && links != observed.links.end()) difference = DifferenceOfLinks(*event, links->second);
    if (!difference.empty()) return difference;
  }
  for (const auto& [event_id, event] : observed.events) {
    if (truth.events().count(event_id) == 0) return absl::StrCat("event ", event_id, " should not be there");
  }
  if (observed.held != truth.held()) {
    return absl::StrCat(observed.held.size(), " sources are held, should be ", truth.held().size());
  }
  return "";
}

Condition OwnedBy(const std::string& owner) {
  return {Equals(absl::StrCat("metadata.", kOwnerKey), owner), [](const TrueItem&) { return true; }};
}

Condition RandomCondition(const Truth& truth, const std::function<uint64_t(uint64_t below)>& draw) {
  Condition condition = OwnedBy(truth.owner());
  const v1::Filter owned = condition.filter;
  if (truth.items().empty()) return condition;
  const TrueItem some = *std::next(truth.items().begin(), draw(truth.items().size()))->second;
  switch (draw(6)) {
    case 0:
      condition = {Equals("source", some.source), [some](const TrueItem& item) {
                     return !item.source.empty() && item.source == some.source;  // An empty one is not there.
                   }};
      break;
    case 1:
      condition = {Equals("metadata.color", some.color), [some](const TrueItem& item) {
                     return !item.color.empty() && item.color == some.color;
                   }};
      break;
    case 2: {
      const double low = static_cast<double>(draw(50)), high = low + static_cast<double>(draw(50));
      condition.filter = Test("metadata.rank");
      condition.filter.mutable_condition()->mutable_range()->set_min(low);
      condition.filter.mutable_condition()->mutable_range()->set_max(high);
      condition.holds = [low, high](const TrueItem& item) { return item.rank >= low && item.rank <= high; };
      break;
    }
    case 3: {
      condition.filter = Test("name");
      const std::string prefix = some.name.substr(0, some.name.size() - 1);
      condition.filter.mutable_condition()->set_prefix(prefix);
      condition.holds = [prefix](const TrueItem& item) { return absl::StartsWith(item.name, prefix); };
      break;
    }
    case 4: {
      condition.filter = Test("metadata.color");
      condition.filter.mutable_condition()->set_exists(false);
      condition.holds = [](const TrueItem& item) { return item.color.empty(); };
      break;
    }
    default: {
      const std::string event = some.events.empty() ? "none" : *some.events.begin();
      condition = {Equals("event_id", event), [event](const TrueItem& item) { return item.events.count(event) > 0; }};
    }
  }
  if (draw(4) == 0) {
    condition.filter = Not(condition.filter);
    condition.holds = [holds = condition.holds](const TrueItem& item) { return !holds(item); };
  }
  condition.filter = Both(owned, condition.filter);
  return condition;
}

}  // namespace mixmatch
