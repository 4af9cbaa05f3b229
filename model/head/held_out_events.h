// A bounded sample of the events, kept whole, so that what is learned from the others can be tried on them. Internal to the
// head.
//
// An event's place is a hash of its parts and weight, whatever their order; kept are the events of the lowest places
// (a bottom-k sketch, Cohen & Kaplan 2007). So the sample is a function of the events, not of their order, and a removed
// event leaves no trace in it. Where more have gone than were kept in reserve the sample is smaller, until the head is made
// anew.
#ifndef MIXMATCH_MODEL_HEAD_HELD_OUT_EVENTS_H_
#define MIXMATCH_MODEL_HEAD_HELD_OUT_EVENTS_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <utility>
#include <vector>

#include "model/head/bytes.h"
#include "model/head/moments.h"

namespace mixmatch::model {

// Not thread-safe.
class HeldOutEvents {
 public:
  static constexpr size_t kSample = 256;      // Events given at most,
  static constexpr size_t kReserve = 128;     // and kept beyond them, for when some are removed.
  static constexpr size_t kMostParts = 16;    // Larger events are never in it: 50 MB at most.

  explicit HeldOutEvents(std::vector<int> feature_dims) : dims_(std::move(feature_dims)) {}

  // An event that was added or removed. Only those of two modalities or more can be in the sample.
  void Note(const EventChange& change);

  // By place, at most kSample. Valid until the next call of Note or Read.
  std::vector<const EventChange*> Sample() const;

  void Write(ByteWriter& writer) const;
  // False if the bytes are not of these dimensions; the sample is empty then.
  bool Read(ByteReader& reader);

 private:
  std::vector<int> dims_;
  std::multimap<uint64_t, EventChange> events_;                  // By place.
  uint64_t horizon_ = std::numeric_limits<uint64_t>::max();  // Every event below it is kept.
};

// A hash of the `i`-th part of an event: its slot and features.
uint64_t PartHash(const EventChange& event, size_t i, const std::vector<int>& feature_dims);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_HEAD_HELD_OUT_EVENTS_H_
