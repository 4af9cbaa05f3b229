#include "server/training_events.h"

#include <algorithm>
#include <utility>

#include "google/protobuf/timestamp.pb.h"
#include "proto/base/status_macros.h"
#include "server/event_groups.h"

namespace mixmatch::server {
namespace {

constexpr int kPartsOfDraw = 8;
constexpr int kMostDraws = 64;

absl::Time TimeOf(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

absl::Status AddContainer(const index::Store& store, const storage::v1::ItemRecord& record, ListedEvents& listed) {
  std::string id = ContainerId(record.item().item_id());
  MIXMATCH_ASSIGN_OR_RETURN(std::vector<std::string> others, store.GetEventIds(record.item().item_id()));
  others.erase(std::remove(others.begin(), others.end(), id), others.end());
  if (std::any_of(others.begin(), others.end(), [](const std::string& other) { return IsProbeEvent(other); })) {
    return absl::OkStatus();
  }
  if (others.empty() && IsProbeEvent(id)) {
    listed.probe.push_back(std::move(id));
    return absl::OkStatus();
  }
  const int draws = std::clamp(static_cast<int>(record.item().part_count()) / kPartsOfDraw, 1, kMostDraws);
  listed.train.push_back({std::move(id), TimeOf(record.item().created_time()), draws});
  return absl::OkStatus();
}

}  // namespace

// FNV-1a with a final mix.
uint64_t EventHash(absl::string_view event_id) {
  uint64_t hash = 0xcbf29ce484222325ULL;
  for (unsigned char c : event_id) hash = (hash ^ c) * 0x100000001b3ULL;
  hash ^= hash >> 33;
  hash *= 0xff51afd7ed558ccdULL;
  return hash ^ (hash >> 33);
}

bool IsProbeEvent(absl::string_view event_id) { return EventHash(event_id) % 20 == 0; }

absl::StatusOr<ListedEvents> ListEvents(const index::Store& store) {
  ListedEvents listed;
  MIXMATCH_RETURN_IF_ERROR(store.ForEachEvent("", [&](const storage::v1::EventRecord& record) {
    const v1::Event& event = record.event();
    // A record without members, or of an item, keeps corrections.
    if (event.members().empty() || ContainerItem(event.event_id()) != 0) return true;
    if (IsProbeEvent(event.event_id())) {
      listed.probe.push_back(event.event_id());
    } else {
      listed.train.push_back({event.event_id(), TimeOf(event.created_time())});
    }
    return true;
  }));
  absl::Status failed;
  MIXMATCH_RETURN_IF_ERROR(store.ForEachItem(0, [&](const storage::v1::ItemRecord& record) {
    if (record.item().part_count() >= 2) failed = AddContainer(store, record, listed);
    return failed.ok();
  }));
  MIXMATCH_RETURN_IF_ERROR(failed);
  return listed;
}

}  // namespace mixmatch::server
