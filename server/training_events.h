// Which events the trunk trains on, and which are held out to judge it.
#ifndef MIXMATCH_SERVER_TRAINING_EVENTS_H_
#define MIXMATCH_SERVER_TRAINING_EVENTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "index/store/store.h"

namespace mixmatch::server {

// The same on every machine and in every version.
uint64_t EventHash(absl::string_view event_id);
// True for the twentieth of all events that the trunk never trains on. A function of the id alone.
bool IsProbeEvent(absl::string_view event_id);

struct ListedEvent {
  std::string id;
  absl::Time created;
  int draws = 1;  // How often it is to be drawn, against a declared event: one for each eight parts, at most 64.
};

struct ListedEvents {
  std::vector<ListedEvent> train;
  std::vector<std::string> probe;
};

// All that may teach: the stored events with members, and as "item:<id>" (event_groups.h) every item of two parts or more,
// a film's shots and sound, a document's figures and captions. An item that is in events follows them: it is left out if
// one of them is held out, and is trained on otherwise, so that nothing of a held-out event is learned from its items. One
// that is in none is held out by its own id.
absl::StatusOr<ListedEvents> ListEvents(const index::Store& store);

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_TRAINING_EVENTS_H_
