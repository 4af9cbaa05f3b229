// A plain in-memory model of what one client did: what must be in the server, and nothing else.
#ifndef MIXMATCH_TESTS_INTEGRATION_FAULTS_TRUTH_H_
#define MIXMATCH_TESTS_INTEGRATION_FAULTS_TRUTH_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "mixmatch/v1/event_service.pb.h"
#include "mixmatch/v1/filter.pb.h"
#include "mixmatch/v1/item.pb.h"

namespace mixmatch {

// Metadata keys that never change: whose item it is, and its number there.
inline constexpr char kOwnerKey[] = "owner";
inline constexpr char kNumberKey[] = "number";

// The bytes of content number n of a client: a text, and for few numbers a small picture or sound; each unlike all
// others.
std::string ContentOf(const std::string& owner, uint64_t number);

struct TrueItem {
  uint64_t number = 0;   // Given by its client, never used again.
  uint64_t item_id = 0;  // Given by the server; 0 until it is known.
  std::string name;
  std::string source;
  std::string color;     // Metadata of this key; empty: it has none.
  double rank = 0.0;     // Metadata of this key.
  std::string request_id;
  std::string sha256;
  uint64_t size = 0;
  std::set<std::string> events;
};

struct TrueEvent {
  std::map<uint64_t, float> members;  // Number of the item -> weight.
  std::optional<double> correction;   // Of all its links: the weight, 0 where they are undone.
};

// Copies share what is equal. All changes are as the service promises them for calls that are answered OK.
class Truth {
 public:
  using Items = std::map<uint64_t, std::shared_ptr<const TrueItem>>;
  using Events = std::map<std::string, std::shared_ptr<const TrueEvent>>;

  explicit Truth(std::string owner) : owner_(std::move(owner)) {}

  const std::string& owner() const { return owner_; }
  const Items& items() const { return items_; }
  const Events& events() const { return events_; }
  const std::set<std::string>& held() const { return held_; }

  void PutItem(const TrueItem& item);
  // With its place in its events.
  void Upload(const TrueItem& item);
  void Delete(uint64_t number);
  void Link(const std::string& event_id, const std::map<uint64_t, float>& members);
  // No members: all.
  void Unlink(const std::string& event_id, const std::set<uint64_t>& members);
  void Correct(const std::string& event_id, std::optional<double> weight);
  void Hold(const std::string& source, bool hold);
  void RemoveLinks(const std::string& source);

 private:
  TrueEvent CopyOf(const std::string& event_id) const;
  // Removes it where it has no members.
  void PutEvent(const std::string& event_id, TrueEvent event);
  void SetMembership(uint64_t number, const std::string& event_id, bool member);

  std::string owner_;
  Items items_;
  Events events_;
  std::set<std::string> held_;
};

// What a server says of one client's things.
struct Observed {
  std::map<uint64_t, v1::Item> items;  // By number.
  std::map<std::string, v1::Event> events;
  std::map<std::string, std::vector<v1::Link>> links;  // By event.
  std::set<std::string> held;
};

// The first difference in words; empty if there is none. Item ids that the truth does not know agree with any.
std::string Difference(const Truth& truth, const Observed& observed);
// The first difference between one item and what the server says of it.
std::string Difference(const Truth& truth, const TrueItem& item, const v1::Item& observed);

// A filter for the server, and the same for the truth.
struct Condition {
  v1::Filter filter;
  std::function<bool(const TrueItem&)> holds;
};
Condition OwnedBy(const std::string& owner);
// One of many kinds, chosen by `draw`, on this truth's items; with OwnedBy.
Condition RandomCondition(const Truth& truth, const std::function<uint64_t(uint64_t below)>& draw);

}  // namespace mixmatch

#endif  // MIXMATCH_TESTS_INTEGRATION_FAULTS_TRUTH_H_
