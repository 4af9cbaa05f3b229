#include "model/learn/pair_draw.h"

#include <iterator>
#include <map>
#include <vector>

namespace mixmatch::model {
namespace {

constexpr int kSameSlotEvery = 8;

using PartsBySlot = std::map<int, std::vector<int>>;

int DrawPart(const PartsBySlot& slots, std::mt19937_64& random) {
  auto slot = slots.begin();
  std::advance(slot, random() % slots.size());
  return slot->second[random() % slot->second.size()];
}

}  // namespace

std::pair<int, int> DrawPair(const TrainingEvent& event, std::mt19937_64& random) {
  PartsBySlot slots;
  for (size_t i = 0; i < event.parts.size(); ++i) slots[event.parts[i].slot].push_back(i);
  const int first = DrawPart(slots, random);
  const int slot = event.parts[first].slot;

  PartsBySlot others = slots;
  others.erase(slot);
  PartsBySlot same = {{slot, {}}};
  for (const int i : slots[slot]) {
    if (i != first) same[slot].push_back(i);
  }
  const bool stay = others.empty() || (!same[slot].empty() && random() % kSameSlotEvery == 0);
  return {first, DrawPart(stay ? same : others, random)};
}

}  // namespace mixmatch::model
