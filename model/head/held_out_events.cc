#include "model/head/held_out_events.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/string_view.h"
#include "model/tensors/state_sum.h"

namespace mixmatch::model {
namespace {

uint64_t Mix(uint64_t z) {  // SplitMix64's finalizer (Steele et al. 2014).
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

uint64_t HashOf(const float* features, int count, int slot) {
  const absl::string_view bytes(reinterpret_cast<const char*>(features), static_cast<size_t>(count) * sizeof(float));
  return Mix(StateSum(bytes) + static_cast<uint64_t>(slot));
}

// Sums do not depend on the order.
uint64_t PlaceOf(const EventChange& event, const std::vector<int>& dims) {
  uint64_t sum = static_cast<uint64_t>(static_cast<double>(event.weight) * 4096.0);
  const float* part = event.features.data();
  for (int slot : event.slots) {
    sum += HashOf(part, dims[slot], slot);
    part += dims[slot];
  }
  return Mix(sum);
}

bool Eligible(const EventChange& event) {
  return event.slots.size() <= HeldOutEvents::kMostParts &&
         std::any_of(event.slots.begin(), event.slots.end(), [&](int slot) { return slot != event.slots[0]; });
}

}  // namespace

uint64_t PartHash(const EventChange& event, size_t i, const std::vector<int>& feature_dims) {
  const float* part = event.features.data();
  for (size_t k = 0; k < i; ++k) part += feature_dims[event.slots[k]];
  return HashOf(part, feature_dims[event.slots[i]], event.slots[i]);
}

void HeldOutEvents::Note(const EventChange& change) {
  if (!Eligible(change)) return;
  const uint64_t place = PlaceOf(change, dims_);
  if (place >= horizon_) return;
  if (change.sign < 0) {
    if (const auto found = events_.find(place); found != events_.end()) events_.erase(found);
    return;
  }
  events_.emplace(place, change);
  while (events_.size() > kSample + kReserve) {
    const uint64_t last = std::prev(events_.end())->first;
    horizon_ = last;
    events_.erase(events_.lower_bound(last), events_.end());  // Equal events stay or go together.
  }
}

std::vector<const EventChange*> HeldOutEvents::Sample() const {
  std::vector<const EventChange*> sample;
  for (auto it = events_.begin(); it != events_.end() && sample.size() < kSample; ++it) sample.push_back(&it->second);
  return sample;
}

void HeldOutEvents::Write(ByteWriter& writer) const {
  writer.U64(horizon_);
  writer.U64(events_.size());
  for (const auto& [place, event] : events_) {
    writer.F64(event.weight);
    writer.U32(static_cast<uint32_t>(event.slots.size()));
    for (int slot : event.slots) writer.U32(static_cast<uint32_t>(slot));
    writer.Floats(event.features);
  }
}

bool HeldOutEvents::Read(ByteReader& reader) {
  events_.clear();
  horizon_ = reader.U64();
  const uint64_t count = reader.U64();
  bool fits = count <= kSample + kReserve;
  for (uint64_t e = 0; e < count && fits && reader.ok(); ++e) {
    EventChange event;
    event.weight = static_cast<float>(reader.F64());
    const uint32_t parts = reader.U32();
    size_t values = 0;
    for (uint32_t i = 0; i < parts && i < kMostParts; ++i) {
      const uint32_t slot = reader.U32();
      if (slot >= dims_.size()) break;
      event.slots.push_back(static_cast<int>(slot));
      values += static_cast<size_t>(dims_[slot]);
    }
    event.features = reader.Floats();
    fits = event.slots.size() == parts && event.features.size() == values;
    if (fits) events_.emplace(PlaceOf(event, dims_), std::move(event));
  }
  if (!fits || !reader.ok()) events_.clear();
  return fits && reader.ok();
}

}  // namespace mixmatch::model
