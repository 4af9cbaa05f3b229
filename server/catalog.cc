#include "server/catalog.h"

namespace mixmatch::server {

void Catalog::Put(const ItemRecord& record) {
  auto copy = std::make_shared<const ItemRecord>(record);
  absl::MutexLock lock(&mutex_);
  records_[record.item().item_id()] = std::move(copy);
}

void Catalog::Remove(uint64_t item_id) {
  absl::MutexLock lock(&mutex_);
  records_.erase(item_id);
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

uint64_t Catalog::largest_id() const {
  absl::ReaderMutexLock lock(&mutex_);
  return records_.empty() ? 0 : records_.rbegin()->first;
}

}  // namespace mixmatch::server
