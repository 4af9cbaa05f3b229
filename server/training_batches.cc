#include "server/training_batches.h"

#include <algorithm>

#include "proto/base/status_macros.h"
#include "server/event_groups.h"
#include "server/training_events.h"

namespace mixmatch::server {
namespace {

constexpr size_t kMostPartsOfEvent = 8;  // Drawn for one step.
constexpr size_t kTries = 4;             // Draws for each event of a batch, at most.

uint64_t ItemOf(uint64_t part_id) { return part_id >> 16; }

}  // namespace

TrainingBatches::TrainingBatches(const index::Store& store, int batch_events, uint64_t seed)
    : store_(store), batch_events_(batch_events), random_(seed) {}

absl::Status TrainingBatches::Read(absl::Time published) {
  MIXMATCH_ASSIGN_OR_RETURN(const ListedEvents listed, ListEvents(store_));
  events_.clear();
  new_events_.clear();
  for (const ListedEvent& event : listed.train) {
    events_.insert(events_.end(), event.draws, event.id);
    if (event.created > published) new_events_.insert(new_events_.end(), event.draws, event.id);
  }
  return absl::OkStatus();
}

absl::StatusOr<TrainingBatches::Parts> TrainingBatches::DrawGroup(const std::string& event_id) {
  MIXMATCH_ASSIGN_OR_RETURN(std::vector<Group> groups, GroupsOf(store_, event_id));
  groups.erase(std::remove_if(groups.begin(), groups.end(), [](const Group& group) { return group.parts.size() < 2; }),
               groups.end());
  if (groups.empty()) return Parts();
  std::vector<double> weights;
  for (const Group& group : groups) weights.push_back(group.weight);
  Parts parts = std::move(groups[std::discrete_distribution<size_t>(weights.begin(), weights.end())(random_)].parts);
  std::shuffle(parts.begin(), parts.end(), random_);
  if (parts.size() > kMostPartsOfEvent) parts.resize(kMostPartsOfEvent);
  return parts;
}

bool TrainingBatches::Holds(const Held& held, const std::string& event_id, const Parts& parts) {
  return std::any_of(parts.begin(), parts.end(), [&](const auto& slot_and_part) {
    if (held.parts.count(slot_and_part.second) > 0) return true;
    const auto item = held.items.find(ItemOf(slot_and_part.second));
    return item != held.items.end() && item->second != event_id;
  });
}

absl::Status TrainingBatches::Add(const std::string& event_id, Held& held, std::vector<model::TrainingEvent>& batch) {
  MIXMATCH_ASSIGN_OR_RETURN(const Parts parts, DrawGroup(event_id));
  if (Holds(held, event_id, parts)) return absl::OkStatus();
  model::TrainingEvent event;
  event.id = EventHash(event_id);
  for (const auto& [slot, part_id] : parts) {
    auto tokens = store_.GetTokens(part_id);
    if (tokens.ok()) event.parts.push_back({slot, *std::move(tokens)});
  }
  if (event.parts.size() < 2) return absl::OkStatus();
  for (const auto& [slot, part_id] : parts) {
    held.parts.insert(part_id);
    held.items.emplace(ItemOf(part_id), event_id);
  }
  batch.push_back(std::move(event));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<model::TrainingEvent>> TrainingBatches::Draw() {
  std::vector<model::TrainingEvent> batch;
  Held held;
  const auto fill = [&](const std::vector<std::string>& from, size_t most) -> absl::Status {
    for (size_t tries = 0; !from.empty() && batch.size() < most && tries < kTries * batch_events_; ++tries) {
      MIXMATCH_RETURN_IF_ERROR(Add(from[random_() % from.size()], held, batch));
    }
    return absl::OkStatus();
  };
  // Few new ones would be learned by heart.
  if (new_events_.size() >= batch_events_) MIXMATCH_RETURN_IF_ERROR(fill(new_events_, batch_events_ / 2));
  MIXMATCH_RETURN_IF_ERROR(fill(events_, batch_events_));
  return batch;
}

}  // namespace mixmatch::server
