#include "server/match_sets.h"

#include <utility>

#include "proto/base/status_macros.h"

namespace mixmatch::server {
namespace {

constexpr size_t kKept = 64;
constexpr size_t kLongestKey = 64 << 10;  // Bytes; longer filters are not kept.
constexpr size_t kStretch = 4096;         // Items between two looks at the call.

}  // namespace

void MatchSet::Insert(const v1::Item& item) {
  const uint64_t id = item.item_id();
  if (Has(id)) return;
  if (id / 64 >= words_.size()) words_.resize(id / 64 + 1);
  words_[id / 64] |= uint64_t{1} << (id % 64);
  ++items_;
  parts_[item.modality()] += item.part_count();
}

void MatchSet::Erase(uint64_t item_id) {
  if (!Has(item_id)) return;
  words_[item_id / 64] &= ~(uint64_t{1} << (item_id % 64));
  --items_;
  ++erased_;
}

absl::StatusOr<std::shared_ptr<MatchSets::Entry>> MatchSets::Find(const v1::Filter& filter) {
  std::string key = filter.SerializeAsString();
  {
    absl::MutexLock lock(&mutex_);
    for (auto it = entries_.begin(); it != entries_.end(); ++it) {
      if ((*it)->key != key) continue;
      entries_.splice(entries_.begin(), entries_, it);
      return entries_.front();
    }
  }
  auto entry = std::make_shared<Entry>();
  MIXMATCH_ASSIGN_OR_RETURN(entry->predicate, CompileFilter(filter));
  entry->key = std::move(key);
  if (entry->key.size() > kLongestKey) return entry;
  absl::MutexLock lock(&mutex_);
  for (const auto& other : entries_) {
    if (other->key == entry->key) return other;  // Made meanwhile.
  }
  entries_.push_front(entry);
  if (entries_.size() > kKept) entries_.pop_back();
  return entry;
}

absl::StatusOr<std::shared_ptr<const MatchSet>> MatchSets::All(const ItemPredicate& predicate,
                                                               const SearchCall& call) const {
  auto set = std::make_shared<MatchSet>();
  set->version_ = catalog_.version();
  for (uint64_t next = 0;;) {
    MIXMATCH_RETURN_IF_ERROR(call.Check());
    const auto records = catalog_.From(next, kStretch);
    if (records.empty()) return set;
    for (const auto& record : records) {
      if (predicate(record->item())) set->Insert(record->item());
    }
    next = records.back()->item().item_id() + 1;
  }
}

absl::StatusOr<std::shared_ptr<const MatchSet>> MatchSets::Match(const v1::Filter& filter, const SearchCall& call) {
  if (filter.kind_case() == v1::Filter::KIND_NOT_SET) return nullptr;
  MIXMATCH_ASSIGN_OR_RETURN(const std::shared_ptr<Entry> entry, Find(filter));
  absl::MutexLock lock(&entry->mutex);
  const uint64_t version = catalog_.version();
  if (entry->set != nullptr && entry->set->version_ == version) return entry->set;
  std::vector<uint64_t> changed;
  if (entry->set == nullptr || !catalog_.ChangedSince(entry->set->version_, changed)) {
    MIXMATCH_ASSIGN_OR_RETURN(entry->set, All(entry->predicate, call));
    return entry->set;
  }
  auto set = std::make_shared<MatchSet>(*entry->set);
  set->version_ = version;
  for (const uint64_t item_id : changed) {
    const auto record = catalog_.Get(item_id);
    if (record != nullptr && entry->predicate(record->item())) {
      set->Insert(record->item());
    } else {
      set->Erase(item_id);
    }
  }
  if (set->erased_ > 16 + set->items_ / 8) {
    MIXMATCH_ASSIGN_OR_RETURN(entry->set, All(entry->predicate, call));
    return entry->set;
  }
  entry->set = std::move(set);
  return entry->set;
}

}  // namespace mixmatch::server
