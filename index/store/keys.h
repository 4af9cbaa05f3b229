// Keys of the store: numbers big-endian, so that bytes sort as numbers do.
#ifndef MIXMATCH_INDEX_STORE_KEYS_H_
#define MIXMATCH_INDEX_STORE_KEYS_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace mixmatch::index {

inline constexpr int kSlots = 256;            // Slots of fixed features.
inline constexpr uint64_t kPartsAnItem = 65536;  // part id = item id * 65,536 + position.

std::string NumberKey(uint64_t number);
std::string PairKey(uint64_t first, uint64_t second);
std::string SlotKey(int slot, uint64_t part_id);              // slot in [0, kSlots).
std::string ItemEventKey(uint64_t item_id, absl::string_view event_id);

// The number in the 8 bytes at `offset`; the key must have them.
uint64_t NumberIn(absl::string_view key, size_t offset);

// The least key above every key that begins with `prefix`; empty if there is none.
std::string AfterPrefix(std::string prefix);

}  // namespace mixmatch::index

#endif  // MIXMATCH_INDEX_STORE_KEYS_H_
