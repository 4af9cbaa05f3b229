#include "server/hit_counts.h"

namespace mixmatch::server {
namespace {

constexpr size_t kHitsOfPart = 8;  // Hits for each part there is room for, between two halvings.

}  // namespace

void HitCounts::Add(absl::Span<const uint64_t> part_ids) {
  absl::MutexLock lock(&mutex_);
  for (uint64_t part_id : part_ids) {
    ++counts_[part_id];
    ++since_halved_;
  }
  if (since_halved_ >= kHitsOfPart * most_) Halve();
  while (counts_.size() > most_) Halve();
}

void HitCounts::Halve() {
  absl::erase_if(counts_, [](auto& entry) { return (entry.second /= 2) == 0; });
  since_halved_ = 0;
}

uint32_t HitCounts::Of(uint64_t part_id) const {
  absl::MutexLock lock(&mutex_);
  const auto found = counts_.find(part_id);
  return found == counts_.end() ? 0 : found->second;
}

size_t HitCounts::size() const {
  absl::MutexLock lock(&mutex_);
  return counts_.size();
}

}  // namespace mixmatch::server
