// The rules by which the server sees what occurred together without being told: from names, times and places of items to
// the events that there should be.
#ifndef MIXMATCH_SERVER_EVENT_FORMING_H_
#define MIXMATCH_SERVER_EVENT_FORMING_H_

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "mixmatch/v1/event_service.pb.h"
#include "mixmatch/v1/item.pb.h"
#include "server/link_options.h"
#include "server/occurrences.h"

namespace mixmatch::server {

// An event that there should be. Its id is a function of its kind and of what its items share.
struct FormedEvent {
  std::string event_id;
  v1::EventKind kind = v1::EVENT_KIND_UNSPECIFIED;
  std::vector<uint64_t> item_ids;  // Two or more, ascending.
  std::string source;              // Of the item that brought it about.
  double reach = 0.0;              // Window in seconds, or radius in metres.
  int nearest = 0;
};

struct FormingChange {
  std::vector<FormedEvent> put;   // New, or with other items than before; perhaps as they are already.
  std::vector<std::string> gone;  // Perhaps never there.
};

// Not thread-safe. An item looks at no more than a few hundred others, however many there are.
class EventForming {
 public:
  explicit EventForming(const LinkOptions& options) : options_(options), occurrences_(options.radius_meters) {}

  // At the start: the item is there, its events are in the store.
  void Restore(const v1::Item& item) { occurrences_.Add(item); }

  // An item comes, or goes; items that change go as they were and come as they are. Events of an item that goes are gone,
  // whether or not they are named, unless they are in `put`.
  //
  // By name: all items of one source and stem, each full name once, up to 16. By folder: up to 8; a folder with more is a
  // collection and says nothing. By time: an item and those of its source at the same time, of each modality; where there
  // are none, the nearest within the window, up to `nearest` of a modality. A nearer item that comes later takes the
  // place of those that were taken for want of it. By place: an item that comes, and the nearest of other modalities
  // within the radius, up to `nearest` of each. A pair that is linked by name is not by time, nor either by place.
  FormingChange Add(const v1::Item& item);
  // What an item that is there has with others by the same rules, were it to come now; nothing changes.
  FormingChange Look(const v1::Item& item) const;
  FormingChange Remove(const v1::Item& item);

 private:
  using Pairs = std::set<std::pair<uint64_t, uint64_t>>;
  std::vector<uint64_t> Pick(const Occurrence& of, std::vector<Occurrence> near) const;
  void FormNames(const v1::Item& item, FormingChange& change, std::set<uint64_t>& linked) const;
  void FormFolders(const v1::Item& item, FormingChange& change) const;
  void FormTimes(const v1::Item& item, FormingChange& change, std::set<uint64_t>& linked) const;
  void MendTimes(const v1::Item& gone, FormingChange& change) const;
  void FormPlaces(const v1::Item& item, FormingChange& change, const std::set<uint64_t>& linked) const;
  FormedEvent TimeEvent(const v1::Item& item, uint64_t a, uint64_t b) const;

  const LinkOptions options_;
  Occurrences occurrences_;
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_EVENT_FORMING_H_
