// What the learner sees of events: groups of parts that occurred together, each with a weight.
#ifndef MIXMATCH_SERVER_EVENT_GROUPS_H_
#define MIXMATCH_SERVER_EVENT_GROUPS_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "index/store/store.h"
#include "mixmatch/v1/item.pb.h"

namespace mixmatch::server {

struct Group {
  double weight = 1.0;
  std::vector<std::pair<int, uint64_t>> parts;  // (slot, part id), ascending by part id.
};

// "item:<id>", the id of the event that a container forms.
std::string ContainerId(uint64_t item_id);
// The item of a container's id; 0 if it is not one.
uint64_t ContainerItem(absl::string_view event_id);

// What the learner is to know of one container, and of any event as the store has it now: the links that are learned. Empty
// if it is gone. An item of one part that no event teaches is a group of one under its container's id, unless its links
// were removed or are held back.
std::vector<Group> ContainerGroups(absl::Span<const v1::Part> parts);
absl::StatusOr<std::vector<Group>> GroupsOf(const index::Store& store, absl::string_view event_id);

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_EVENT_GROUPS_H_
