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

namespace mixmatch::server {
namespace {

constexpr int kTop = 10;
constexpr size_t kFoldEvery = 512;

// FNV-1a with a final mix: the same on every machine and in every version.
uint64_t StableHash(absl::string_view text) {
  uint64_t hash = 0xcbf29ce484222325ULL;
  for (unsigned char c : text) hash = (hash ^ c) * 0x100000001b3ULL;
  hash ^= hash >> 33;
  hash *= 0xff51afd7ed558ccdULL;
  return hash ^ (hash >> 33);
}

struct Split {
  std::vector<std::string> train;
  std::vector<Group> probe;  // One group an event, of two slots or more.
};

absl::StatusOr<Split> SplitEvents(const index::Store& store, const ProbeSize& size) {
  Split split;
  std::vector<std::string> ids;
  MIXMATCH_RETURN_IF_ERROR(store.ForEachEvent("", [&](const storage::v1::EventRecord& record) {
    ids.push_back(record.event().event_id());
    return true;
  }));
  std::sort(ids.begin(), ids.end(), [](const std::string& a, const std::string& b) {
    return std::make_pair(StableHash(a), a) < std::make_pair(StableHash(b), b);
  });
  for (const std::string& id : ids) {
    if (IsProbeEvent(id)) {
      if (static_cast<int>(split.probe.size()) >= size.probe_events) continue;
      MIXMATCH_ASSIGN_OR_RETURN(std::vector<Group> groups, GroupsOf(store, id));
      std::set<int> slots;
      if (!groups.empty()) {
        for (const auto& [slot, part] : groups[0].parts) slots.insert(slot);
      }
      if (slots.size() >= 2) split.probe.push_back(std::move(groups[0]));
      continue;
    }
    if (static_cast<int>(split.train.size()) < size.train_events) split.train.push_back(id);
  }
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

bool IsProbeEvent(absl::string_view event_id) { return StableHash(event_id) % 20 == 0; }

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
    MIXMATCH_ASSIGN_OR_RETURN(const std::vector<Group> groups, GroupsOf(store, id));
    for (const Group& group : groups) {
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
