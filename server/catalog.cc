#include "server/catalog.h"

namespace mixmatch::server {
namespace {

constexpr size_t kChangesKept = 16'384;

}  // namespace

void Catalog::Note(uint64_t item_id) {
  ++version_;
  changed_.push_back(item_id);
  if (changed_.size() > kChangesKept) changed_.pop_front();
}

void Catalog::Count(const ItemRecord& record, int sign) {
  stored_bytes_[record.principal()] += sign * record.item().size_bytes();
  words_parts_ += sign * static_cast<int64_t>(record.words_parts());
  uint64_t& items = items_[record.item().modality()];
  items += sign;
  if (items == 0) items_.erase(record.item().modality());
}

void Catalog::Put(const ItemRecord& record) {
  auto copy = std::make_shared<const ItemRecord>(record);
  absl::MutexLock lock(&mutex_);
  auto& kept = records_[record.item().item_id()];
  if (kept != nullptr) Count(*kept, -1);
  Count(record, 1);
  kept = std::move(copy);
  Note(record.item().item_id());
}

void Catalog::Remove(uint64_t item_id) {
  absl::MutexLock lock(&mutex_);
  const auto found = records_.find(item_id);
  if (found != records_.end()) {
    Count(*found->second, -1);
    records_.erase(found);
  }
  Note(item_id);
}

std::shared_ptr<const ItemRecord> Catalog::Get(uint64_t item_id) const {
  absl::ReaderMutexLock lock(&mutex_);
  const auto found = records_.find(item_id);
  return found == records_.end() ? nullptr : found->second;
}

bool Catalog::Contains(uint64_t item_id) const {
  absl::ReaderMutexLock lock(&mutex_);
  return records_.find(item_id) != records_.end();
}

std::vector<std::shared_ptr<const ItemRecord>> Catalog::From(uint64_t first_item_id, size_t most) const {
  absl::ReaderMutexLock lock(&mutex_);
  std::vector<std::shared_ptr<const ItemRecord>> found;
  for (auto it = records_.lower_bound(first_item_id); it != records_.end() && found.size() < most; ++it) {
    found.push_back(it->second);
  }
  return found;
}

size_t Catalog::size() const {
  absl::ReaderMutexLock lock(&mutex_);
  return records_.size();
}

uint64_t Catalog::StoredBytes(const std::string& principal) const {
  absl::ReaderMutexLock lock(&mutex_);
  const auto found = stored_bytes_.find(principal);
  return found == stored_bytes_.end() ? 0 : found->second;
}

std::map<v1::Modality, uint64_t> Catalog::CountByModality() const {
  absl::ReaderMutexLock lock(&mutex_);
  return items_;
}

int64_t Catalog::words_parts() const {
  absl::ReaderMutexLock lock(&mutex_);
  return words_parts_;
}

uint64_t Catalog::largest_id() const {
  absl::ReaderMutexLock lock(&mutex_);
  return records_.empty() ? 0 : records_.rbegin()->first;
}

uint64_t Catalog::version() const {
  absl::ReaderMutexLock lock(&mutex_);
  return version_;
}

bool Catalog::ChangedSince(uint64_t version, std::vector<uint64_t>& ids) const {
  absl::ReaderMutexLock lock(&mutex_);
  const uint64_t behind = version_ - version;
  if (behind > changed_.size()) return false;
  ids.assign(changed_.end() - static_cast<ptrdiff_t>(behind), changed_.end());
  return true;
}

}  // namespace mixmatch::server
