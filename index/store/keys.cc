#include "index/store/keys.h"

namespace mixmatch::index {
namespace {

void Append(std::string& key, uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8) key.push_back(static_cast<char>((number >> shift) & 0xff));
}

}  // namespace

std::string NumberKey(uint64_t number) {
  std::string key;
  Append(key, number);
  return key;
}

std::string PairKey(uint64_t first, uint64_t second) {
  std::string key;
  key.reserve(16);
  Append(key, first);
  Append(key, second);
  return key;
}

std::string SlotKey(int slot, uint64_t part_id) {
  std::string key(1, static_cast<char>(slot));
  Append(key, part_id);
  return key;
}

std::string ItemEventKey(uint64_t item_id, absl::string_view event_id) {
  std::string key = NumberKey(item_id);
  key.append(event_id.data(), event_id.size());
  return key;
}

uint64_t NumberIn(absl::string_view key, size_t offset) {
  uint64_t number = 0;
  for (size_t i = 0; i < 8; ++i) number = (number << 8) | static_cast<uint8_t>(key[offset + i]);
  return number;
}

std::string AfterPrefix(std::string prefix) {
  while (!prefix.empty() && static_cast<uint8_t>(prefix.back()) == 0xff) prefix.pop_back();
  if (!prefix.empty()) prefix.back() = static_cast<char>(static_cast<uint8_t>(prefix.back()) + 1);
  return prefix;
}

}  // namespace mixmatch::index
