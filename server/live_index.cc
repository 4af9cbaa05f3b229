#include "server/live_index.h"

#include <utility>

#include "proto/base/status_macros.h"

namespace mixmatch::server {

std::shared_ptr<const Serving> LiveIndex::Current() const {
  absl::MutexLock lock(&current_mutex_);
  return current_;
}

absl::Status LiveIndex::Add(std::vector<EncodedPart> parts, uint64_t encoded_by,
                            const std::function<absl::Status(const Serving&, absl::Span<const EncodedPart>)>& commit) {
  absl::ReaderMutexLock lock(&publication_);
  absl::MutexLock item_lock(ItemMutex(parts.empty() ? 0 : parts[0].part_id));
  const std::shared_ptr<const Serving> serving = Current();
  if (serving->generation != encoded_by) MIXMATCH_RETURN_IF_ERROR(serving->encoder.EncodeAll(absl::MakeSpan(parts)));
  MIXMATCH_RETURN_IF_ERROR(commit(*serving, parts));
  for (const EncodedPart& part : parts) {
    MIXMATCH_RETURN_IF_ERROR(serving->slots[part.slot]->Upsert(part.part_id, part.vector));
  }
  absl::MutexLock changes_lock(&changes_mutex_);
  if (tracking_) {
    for (EncodedPart& part : parts) changes_.push_back({false, std::move(part)});
  }
  return absl::OkStatus();
}

absl::Status LiveIndex::Remove(absl::Span<const std::pair<int, uint64_t>> parts,
                               const std::function<absl::Status()>& commit) {
  absl::ReaderMutexLock lock(&publication_);
  absl::MutexLock item_lock(ItemMutex(parts.empty() ? 0 : parts[0].second));
  const std::shared_ptr<const Serving> serving = Current();
  MIXMATCH_RETURN_IF_ERROR(commit());
  for (const auto& [slot, part_id] : parts) {
    const absl::Status removed = serving->slots[slot]->Remove(part_id);
    if (!removed.ok() && !absl::IsNotFound(removed)) return removed;
  }
  absl::MutexLock changes_lock(&changes_mutex_);
  if (tracking_) {
    for (const auto& [slot, part_id] : parts) {
      Change change;
      change.removed = true;
      change.part.slot = slot;
      change.part.part_id = part_id;
      changes_.push_back(std::move(change));
    }
  }
  return absl::OkStatus();
}

void LiveIndex::BeginPublication() {
  absl::WriterMutexLock lock(&publication_);
  absl::MutexLock changes_lock(&changes_mutex_);
  tracking_ = true;
  changes_.clear();
}

void LiveIndex::AbandonPublication() {
  absl::MutexLock lock(&changes_mutex_);
  tracking_ = false;
  changes_.clear();
}

absl::Status LiveIndex::CatchUp(const Serving& next, uint64_t old_trunk, std::vector<Change>& changes) {
  for (Change& change : changes) {
    if (change.removed) {
      const absl::Status removed = next.slots[change.part.slot]->Remove(change.part.part_id);
      if (!removed.ok() && !absl::IsNotFound(removed)) return removed;
      continue;
    }
    const absl::Span<EncodedPart> one(&change.part, 1);
    MIXMATCH_RETURN_IF_ERROR(next.encoder.trunk_number() == old_trunk ? next.encoder.MapAll(one)
                                                                      : next.encoder.EncodeAll(one));
    MIXMATCH_RETURN_IF_ERROR(next.slots[change.part.slot]->Upsert(change.part.part_id, change.part.vector));
  }
  return absl::OkStatus();
}

absl::Status LiveIndex::FinishPublication(std::shared_ptr<const Serving> next) {
  const uint64_t old_trunk = Current()->encoder.trunk_number();
  std::vector<Change> changes;
  while (true) {
    // Most of the catching up goes on beside writes; only the last few changes are made with writes held.
    changes.clear();
    {
      absl::MutexLock lock(&changes_mutex_);
      changes.swap(changes_);
    }
    if (changes.size() < 8) break;
    MIXMATCH_RETURN_IF_ERROR(CatchUp(*next, old_trunk, changes));
  }
  std::shared_ptr<const Serving> last;  // Freed when no lock is held any more: searches take Current() meanwhile.
  {
    absl::WriterMutexLock lock(&publication_);
    absl::MutexLock changes_lock(&changes_mutex_);
    for (Change& change : changes_) changes.push_back(std::move(change));
    changes_.clear();
    tracking_ = false;
    MIXMATCH_RETURN_IF_ERROR(CatchUp(*next, old_trunk, changes));
    absl::MutexLock current_lock(&current_mutex_);
    last = std::exchange(current_, std::move(next));
  }
  // A graph that is being built for them would be of no use any more.
  for (const auto& slot : last->slots) slot->StopMaintaining();
  return absl::OkStatus();
}

}  // namespace mixmatch::server
