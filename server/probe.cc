#include "server/probe.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "model/head/associative_head.h"
#include "proto/base/status_macros.h"
#include "server/encoder.h"
#include "server/event_groups.h"
#include "server/feature_walk.h"
#include "server/training_events.h"

namespace mixmatch::server {
namespace {

constexpr int kTop = 10;
constexpr size_t kFoldEvery = 512;
constexpr size_t kAskedOfItem = 8;      // Groups of a held-out item, at most.
constexpr size_t kLearnedOfEvent = 32;  // Groups of an event, so that a long film does not make the judgement long.

struct Split {
  std::vector<std::string> train;
  std::vector<Group> probe;  // Of two slots or more.
};

void SortByHash(std::vector<std::string>& ids) {
  std::sort(ids.begin(), ids.end(), [](const std::string& a, const std::string& b) {
    return std::make_pair(EventHash(a), a) < std::make_pair(EventHash(b), b);
  });
}

bool HasTwoSlots(const Group& group) {
  return std::any_of(group.parts.begin(), group.parts.end(),
                     [&](const auto& part) { return part.first != group.parts[0].first; });
}

// At most `most`, evenly spread.
std::vector<Group> Few(std::vector<Group> groups, size_t most) {
  if (groups.size() <= most) return groups;
  std::vector<Group> few;
  for (size_t i = 0; i < most; ++i) few.push_back(std::move(groups[i * groups.size() / most]));
  return few;
}

// What is asked about a held-out event: one group; of an item some, the surest links first, none with parts of another.
absl::StatusOr<std::vector<Group>> Questions(const index::Store& store, const std::string& id) {
  MIXMATCH_ASSIGN_OR_RETURN(std::vector<Group> groups, GroupsOf(store, id));
  const bool item = ContainerItem(id) != 0;
  if (!item && groups.size() > 1) groups.resize(1);
  groups.erase(std::remove_if(groups.begin(), groups.end(), [](const Group& group) { return !HasTwoSlots(group); }),
               groups.end());
  std::stable_sort(groups.begin(), groups.end(), [](const Group& a, const Group& b) { return a.weight > b.weight; });
  std::set<uint64_t> asked;
  std::vector<Group> questions;
  for (Group& group : groups) {
    const bool fresh = std::none_of(group.parts.begin(), group.parts.end(),
                                    [&](const auto& part) { return asked.count(part.second) > 0; });
    if (!fresh) continue;
    for (const auto& [slot, part_id] : group.parts) asked.insert(part_id);
    questions.push_back(std::move(group));
  }
  return Few(std::move(questions), kAskedOfItem);
}

absl::StatusOr<Split> SplitEvents(const index::Store& store, const ProbeSize& size) {
  MIXMATCH_ASSIGN_OR_RETURN(ListedEvents events, ListEvents(store));
  Split split;
  SortByHash(events.probe);
  for (const std::string& id : events.probe) {
    MIXMATCH_ASSIGN_OR_RETURN(std::vector<Group> questions, Questions(store, id));
    for (Group& question : questions) {
      if (static_cast<int>(split.probe.size()) < size.probe_events) split.probe.push_back(std::move(question));
    }
    if (static_cast<int>(split.probe.size()) >= size.probe_events) break;
  }
  for (ListedEvent& event : events.train) split.train.push_back(std::move(event.id));
  SortByHash(split.train);
  split.train.resize(std::min(split.train.size(), static_cast<size_t>(size.train_events)));
  return split;
}

// First part of each slot of a group, mapped; empty where the group has none.
using SlotVectors = std::vector<std::vector<float>>;

// Recall@kTop over all ordered pairs of slots.
ProbeResult Score(const std::vector<SlotVectors>& events) {
  ProbeResult result;
  result.events = static_cast<int64_t>(events.size());
  int64_t found = 0;
  const size_t slots = events.empty() ? 0 : events[0].size();
  for (size_t from = 0; from < slots; ++from) {
    for (size_t to = 0; to < slots; ++to) {
      for (size_t e = 0; from != to && e < events.size(); ++e) {
        if (events[e][from].empty() || events[e][to].empty()) continue;
        const auto score = [&](size_t other) {
          double sum = 0.0;
          for (size_t i = 0; i < events[e][from].size(); ++i) sum += events[e][from][i] * events[other][to][i];
          return sum;
        };
        const double own = score(e);
        int better = 0;
        for (size_t other = 0; other < events.size(); ++other) {
          if (other != e && !events[other][to].empty() && score(other) >= own) ++better;
        }
        ++result.pairs;
        if (better < kTop) ++found;
      }
    }
  }
  if (result.pairs > 0) result.recall = static_cast<double>(found) / result.pairs;
  return result;
}

}  // namespace

absl::StatusOr<ProbeResult> RunProbe(index::Store& store, uint64_t trunk_number, const model::Trunk& trunk,
                                     const ProbeSize& size, const model::HeadRidges& ridges,
                                     const std::function<bool()>& cancelled) {
  const model::AssociativeHeadOptions options = HeadOptions(trunk);
  MIXMATCH_ASSIGN_OR_RETURN(const Split split, SplitEvents(store, size));
  MIXMATCH_ASSIGN_OR_RETURN(const auto head, model::AssociativeHead::Create(options));
  if (!ridges.empty()) MIXMATCH_RETURN_IF_ERROR(head->SetRidges(ridges));
  size_t done = 0;
  for (const std::string& id : split.train) {
    if (cancelled()) return absl::CancelledError("the probe was interrupted");
    MIXMATCH_ASSIGN_OR_RETURN(std::vector<Group> groups, GroupsOf(store, id));
    for (const Group& group : Few(std::move(groups), kLearnedOfEvent)) {
      std::vector<std::vector<float>> rows;
      rows.reserve(group.parts.size());
      std::vector<model::EventPart> parts;
      for (const auto& [slot, part_id] : group.parts) {
        MIXMATCH_ASSIGN_OR_RETURN(auto row, JoinedFeatures(store, slot, part_id, trunk_number, trunk));
        rows.push_back(std::move(row));
        parts.push_back({slot, rows.back()});
      }
      MIXMATCH_RETURN_IF_ERROR(head->Add(parts, group.weight));
    }
    if (++done % kFoldEvery == 0) MIXMATCH_RETURN_IF_ERROR(head->Fold());
  }
  // Features of the first part of each slot.
  std::vector<SlotVectors> asked;
  ProbeResult result;
  for (const Group& group : split.probe) {
    SlotVectors rows(options.feature_dims.size());
    for (const auto& [slot, part_id] : group.parts) {
      if (!rows[slot].empty()) continue;
      MIXMATCH_ASSIGN_OR_RETURN(rows[slot], JoinedFeatures(store, slot, part_id, trunk_number, trunk));
      result.outputs.emplace(
          part_id, std::vector<float>(rows[slot].end() - trunk.config().output_dim, rows[slot].end()));
    }
    asked.push_back(std::move(rows));
  }
  if (cancelled()) return absl::CancelledError("the probe was interrupted");
  MIXMATCH_ASSIGN_OR_RETURN(const model::SolvedHead solved, head->Solve());
  for (SlotVectors& event : asked) {
    for (size_t slot = 0; slot < event.size(); ++slot) {
      if (event[slot].empty()) continue;
      MIXMATCH_ASSIGN_OR_RETURN(event[slot], solved.maps->Map(static_cast<int>(slot), event[slot]));
    }
  }
  const ProbeResult found = Score(asked);
  result.recall = found.recall;
  result.pairs = found.pairs;
  result.events = found.events;
  return result;
}

std::optional<double> Drift(const ProbeResult& a, const ProbeResult& b) {
  double sum = 0.0;
  int64_t parts = 0;
  for (const auto& [part_id, x] : a.outputs) {
    const auto found = b.outputs.find(part_id);
    if (found == b.outputs.end() || found->second.size() != x.size()) continue;
    double dot = 0.0, xx = 0.0, yy = 0.0;
    for (size_t i = 0; i < x.size(); ++i) {
      const double y = found->second[i];
      dot += x[i] * y;
      xx += static_cast<double>(x[i]) * x[i];
      yy += y * y;
    }
    if (xx == 0.0 || yy == 0.0) continue;
    sum += std::max(0.0, 1.0 - dot / std::sqrt(xx * yy));
    ++parts;
  }
  if (parts == 0) return std::nullopt;
  return sum / static_cast<double>(parts);
}

}  // namespace mixmatch::server
