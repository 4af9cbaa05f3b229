// What is learned of an event: its links, each a group of parts with a weight and the reason for it. A link is a function
// of the records in the store alone, so that it can be listed, corrected and unlearned exactly.
#ifndef MIXMATCH_SERVER_EVENT_LINKS_H_
#define MIXMATCH_SERVER_EVENT_LINKS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "index/store/store.h"
#include "mixmatch/v1/event_service.pb.h"
#include "mixmatch/v1/item.pb.h"

namespace mixmatch::server {

inline constexpr char kFormedPrefix[] = "formed:";
inline constexpr char kLocalPrincipal[] = "local";
inline constexpr char kEveryLink[] = "*";  // Key of a correction of all links of an event.

struct EventLink {
  std::string key;  // Within its event.
  v1::EventKind kind = v1::EVENT_KIND_UNSPECIFIED;
  v1::LinkState state = v1::LINK_STATE_LEARNED;
  double formed_weight = 1.0;
  double weight = 1.0;                           // After corrections.
  std::vector<std::pair<int, uint64_t>> parts;   // (slot, part id), ascending by part id.
  std::string explanation;                       // Filled where asked for.
};

// An item with its parts.
struct ItemFacts {
  storage::v1::ItemRecord record;
  std::vector<v1::Part> parts;  // By position.
};

// Gives the facts of an item; nullptr if it is gone.
using FactsReader = std::function<absl::StatusOr<std::shared_ptr<const ItemFacts>>(uint64_t item_id)>;
FactsReader StoreFacts(const index::Store& store);

// Links of any event as `record` has it, corrected, by ascending first part; those that are not learned too, with their
// state. Members that are gone are left out.
absl::StatusOr<std::vector<EventLink>> LinksOf(const FactsReader& facts, const storage::v1::LinkHolds& holds,
                                               const storage::v1::EventRecord& record, bool explain = false);

// Who is held back now.
absl::StatusOr<storage::v1::LinkHolds> ReadHolds(const index::Store& store);
void PutHolds(const storage::v1::LinkHolds& holds, index::StoreBatch& batch);

// Whether nothing of the item is to be learned, because of its source or principal.
bool IsHeld(const storage::v1::LinkHolds& holds, const storage::v1::ItemRecord& record);
// "local" where none is named.
std::string PrincipalOf(absl::string_view principal);

// "<event id>#<key>" and back: the key is what is behind the last '#', "*" if there is none.
std::string LinkId(absl::string_view event_id, absl::string_view key);
std::pair<std::string, std::string> SplitLinkId(absl::string_view link_id);

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_EVENT_LINKS_H_
