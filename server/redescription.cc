#include "server/redescription.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "proto/base/status_macros.h"
#include "server/feature_versions.h"
#include "server/log.h"
#include "server/part_slot.h"
#include "server/thread_priority.h"

namespace mixmatch::server {
namespace {

constexpr int kNiceness = 10;
constexpr size_t kNoteEvery = 32;  // Items.

}  // namespace

Redescription::~Redescription() { Stop(); }

absl::Status Redescription::Find(std::vector<int> slots) {
  slots_ = std::move(slots);
  for (const auto& item : catalog_.From(0, slots_.empty() ? 0 : SIZE_MAX)) {
    MIXMATCH_ASSIGN_OR_RETURN(const bool lacks, Lacks(item->item().item_id()));
    if (lacks) waiting_.push_back(item->item().item_id());
  }
  learner_.NoteUndescribed(static_cast<int64_t>(waiting_.size()));
  return absl::OkStatus();
}

void Redescription::Start() {
  if (slots_.empty()) return;
  thread_ = std::thread([this] {
    LowerThreadPriority(kNiceness);
    const absl::Status status = Run();
    if (!status.ok() && !absl::IsCancelled(status)) {
      Log::Error("describing parts again: {}; the next start goes on with it", status.ToString());
    }
  });
}

void Redescription::Stop() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
}

absl::StatusOr<bool> Redescription::Lacks(uint64_t item_id) const {
  MIXMATCH_ASSIGN_OR_RETURN(const auto parts, store_.GetParts(item_id));
  return std::any_of(parts.begin(), parts.end(), [&](const storage::v1::PartRecord& record) {
    const int slot = SlotOf(record.part());
    return std::find(slots_.begin(), slots_.end(), slot) != slots_.end() &&
           absl::IsNotFound(store_.GetFeatures(slot, record.part().part_id()).status());
  });
}

absl::Status Redescription::Run() {
  size_t failed = 0;
  for (size_t i = 0; i < waiting_.size(); ++i) {
    if (stop_) return absl::CancelledError("the server is stopping");
    if (i % kNoteEvery == 0) learner_.NoteUndescribed(static_cast<int64_t>(waiting_.size() - i));
    const absl::Status status = reindex_.ReindexItem(waiting_[i]);
    if (status.ok() || absl::IsNotFound(status)) continue;
    ++failed;
    Log::Warn("item {} cannot be described again and is not found by search: {}; upload it again", waiting_[i],
              status.ToString());
  }
  learner_.LookAgain();
  MIXMATCH_RETURN_IF_ERROR(learner_.Republish(/*relearn=*/true));
  MIXMATCH_RETURN_IF_ERROR(NoteFeaturesMade(store_));
  learner_.NoteUndescribed(static_cast<int64_t>(failed));
  Log::Info("{} items described again, {} could not be", waiting_.size() - failed, failed);
  return absl::OkStatus();
}

}  // namespace mixmatch::server
