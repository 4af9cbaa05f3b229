#include "model/learn/pair_draw.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <vector>

namespace mixmatch::model {
namespace {

constexpr int kSameSlotEvery = 8;

using PartsBySlot = std::map<int, std::vector<int>>;

// Takes one part out of one of the slots.
std::pair<int, int> Take(const PartsBySlot& from, std::mt19937_64& random) {
  auto slot = from.begin();
  std::advance(slot, random() % from.size());
  return {slot->first, slot->second[random() % slot->second.size()]};
}

}  // namespace

std::vector<int> DrawParts(const TrainingEvent& event, int count, std::mt19937_64& random) {
  PartsBySlot left;
  for (size_t i = 0; i < event.parts.size(); ++i) left[event.parts[i].slot].push_back(static_cast<int>(i));
  std::set<int> used;
  std::vector<int> drawn;
  while (static_cast<int>(drawn.size()) < count && !left.empty()) {
    PartsBySlot fresh, again;
    for (const auto& [slot, parts] : left) (used.count(slot) ? again : fresh)[slot] = parts;
    const bool stay = fresh.empty() || (!again.empty() && random() % kSameSlotEvery == 0);
    const auto [slot, part] = Take(stay ? again : fresh, random);
    std::vector<int>& rest = left[slot];
    rest.erase(std::find(rest.begin(), rest.end(), part));
    if (rest.empty()) left.erase(slot);
    used.insert(slot);
    drawn.push_back(part);
  }
  return drawn;
}

}  // namespace mixmatch::model
