#include "server/event_book.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "google/protobuf/util/time_util.h"
#include "model/modality/modality.h"
#include "proto/base/status_macros.h"
#include "server/validation.h"

namespace mixmatch::server {
namespace {

constexpr char kNextItemId[] = "next_item_id";

bool SameMember(const v1::EventMember& a, const v1::EventMember& b) {
  return a.item_id() == b.item_id() && a.part_id() == b.part_id();
}

void PutMember(const v1::EventMember& member, v1::Event& event) {
  v1::EventMember weighted = member;
  if (weighted.weight() == 0.0f) weighted.set_weight(1.0f);
  auto* members = event.mutable_members();
  const auto known = std::find_if(members->begin(), members->end(),
                                  [&](const v1::EventMember& other) { return SameMember(other, weighted); });
  if (known != members->end()) {
    *known = weighted;
    return;
  }
  *event.add_members() = weighted;
  std::sort(members->begin(), members->end(), [](const v1::EventMember& a, const v1::EventMember& b) {
    return std::make_pair(a.item_id(), a.part_id()) < std::make_pair(b.item_id(), b.part_id());
  });
}

bool HasItem(const v1::Event& event, uint64_t item_id) {
  return std::any_of(event.members().begin(), event.members().end(),
                     [&](const v1::EventMember& member) { return member.item_id() == item_id; });
}

storage::v1::EventRecord Record(const v1::Event& event) {
  storage::v1::EventRecord record;
  *record.mutable_event() = event;
  return record;
}

absl::Status NoEvent(const std::string& event_id) {
  return absl::NotFoundError(absl::StrCat("event_id: no event of this id (", event_id.size(),
                                          " bytes); EventService.List shows those there are"));
}

}  // namespace

absl::StatusOr<v1::Event> EventBook::ReadOrNew(const std::string& event_id) {
  auto record = store_.GetEvent(event_id);
  if (record.ok()) return record->event();
  if (!absl::IsNotFound(record.status())) return record.status();
  v1::Event event;
  event.set_event_id(event_id);
  event.set_kind(v1::EVENT_KIND_DECLARED);
  *event.mutable_created_time() = google::protobuf::util::TimeUtil::GetCurrentTime();
  return event;
}

absl::Status EventBook::CheckExists(const v1::EventMember& member) const {
  if (!catalog_.Contains(member.item_id())) {
    return absl::NotFoundError(absl::StrCat("members.item_id: no item ", member.item_id()));
  }
  if (member.part_id() != 0) {
    const absl::Status part = store_.GetPart(member.part_id()).status();
    if (absl::IsNotFound(part)) return absl::NotFoundError(absl::StrCat("members.part_id: no part ", member.part_id()));
    return part;
  }
  return absl::OkStatus();
}

// Brings Item.event_ids in step; the container's event is looked at again, since an item in no event counts alone.
absl::Status EventBook::PutMembership(uint64_t item_id, const std::string& event_id, bool member,
                                      index::StoreBatch& batch, std::vector<ItemRecord>& changed) {
  const auto known = catalog_.Get(item_id);
  if (known == nullptr) return absl::OkStatus();
  ItemRecord record = *known;
  auto* ids = record.mutable_item()->mutable_event_ids();
  const auto at = std::find(ids->begin(), ids->end(), event_id);
  if ((at != ids->end()) == member) return absl::OkStatus();
  if (member) {
    *ids->Add() = event_id;
  } else {
    ids->erase(at);
  }
  batch.PutItem(record);
  batch.PutLearning(ContainerId(item_id));
  changed.push_back(std::move(record));
  return absl::OkStatus();
}

absl::StatusOr<v1::Event> EventBook::Link(const v1::LinkRequest& request) {
  MIXMATCH_RETURN_IF_ERROR(CheckEventId("event_id", request.event_id()));
  MIXMATCH_RETURN_IF_ERROR(CheckRequestId("request_id", request.request_id()));
  if (request.members().empty()) return absl::InvalidArgumentError("members: got none, wanted at least one");
  absl::MutexLock lock(&mutex_);
  if (!request.request_id().empty()) {
    if (auto known = store_.GetRequest(request.request_id()); known.ok()) {
      if (known->event_id().empty()) {
        return absl::InvalidArgumentError("request_id: was used by an upload; choose another");
      }
      MIXMATCH_ASSIGN_OR_RETURN(const auto record, store_.GetEvent(known->event_id()));
      return record.event();
    }
  }
  for (const v1::EventMember& member : request.members()) {
    MIXMATCH_RETURN_IF_ERROR(CheckMember(member));
    MIXMATCH_RETURN_IF_ERROR(CheckExists(member));
  }
  std::string event_id = request.event_id();
  if (event_id.empty()) event_id = absl::StrFormat("link-%x-%d", absl::ToUnixMicros(absl::Now()), next_event_++);
  MIXMATCH_ASSIGN_OR_RETURN(v1::Event event, ReadOrNew(event_id));
  for (const v1::EventMember& member : request.members()) PutMember(member, event);
  if (event.members_size() < 2) {
    return absl::InvalidArgumentError("members: an event needs two members or more; name another item");
  }
  std::unique_ptr<index::StoreBatch> batch = store_.NewBatch();
  std::vector<ItemRecord> changed;
  for (const v1::EventMember& member : request.members()) {
    MIXMATCH_RETURN_IF_ERROR(PutMembership(member.item_id(), event_id, true, *batch, changed));
  }
  batch->PutEvent(Record(event));
  batch->PutLearning(event_id);
  if (!request.request_id().empty()) {
    storage::v1::RequestRecord answered;
    answered.set_event_id(event_id);
    batch->PutRequest(request.request_id(), answered);
  }
  MIXMATCH_RETURN_IF_ERROR(store_.Commit(std::move(batch), /*sync=*/true));
  const absl::Time acked = absl::Now();
  for (const ItemRecord& record : changed) {
    catalog_.Put(record);
    learner_.Changed(ContainerId(record.item().item_id()), acked);
  }
  learner_.Changed(event_id, acked);
  return event;
}

absl::StatusOr<v1::Event> EventBook::Unlink(const v1::UnlinkRequest& request) {
  absl::MutexLock lock(&mutex_);
  auto stored = store_.GetEvent(request.event_id());
  if (absl::IsNotFound(stored.status())) return NoEvent(request.event_id());
  MIXMATCH_RETURN_IF_ERROR(stored.status());
  if (stored->event().kind() == v1::EVENT_KIND_CONTAINER) {
    return absl::InvalidArgumentError("event_id: is the server's own event of a container; delete the item instead");
  }
  v1::Event event = stored->event();
  auto* members = event.mutable_members();
  if (request.members().empty()) {
    members->Clear();
  } else {
    for (const v1::EventMember& gone : request.members()) {
      members->erase(std::remove_if(members->begin(), members->end(),
                                    [&](const v1::EventMember& member) { return SameMember(member, gone); }),
                     members->end());
    }
  }
  std::unique_ptr<index::StoreBatch> batch = store_.NewBatch();
  std::vector<ItemRecord> changed;
  for (const v1::EventMember& before : stored->event().members()) {
    if (HasItem(event, before.item_id())) continue;
    MIXMATCH_RETURN_IF_ERROR(PutMembership(before.item_id(), event.event_id(), false, *batch, changed));
  }
  batch->DeleteEvent(*stored);
  if (!members->empty()) batch->PutEvent(Record(event));
  batch->PutLearning(event.event_id());
  MIXMATCH_RETURN_IF_ERROR(store_.Commit(std::move(batch), /*sync=*/true));
  const absl::Time acked = absl::Now();
  for (const ItemRecord& record : changed) {
    catalog_.Put(record);
    learner_.Changed(ContainerId(record.item().item_id()), acked);
  }
  learner_.Changed(event.event_id(), acked);
  return event;
}

absl::Status EventBook::TakeItemOut(const std::string& event_id, uint64_t item_id, index::StoreBatch& batch) {
  auto stored = store_.GetEvent(event_id);
  if (absl::IsNotFound(stored.status())) return absl::OkStatus();
  MIXMATCH_RETURN_IF_ERROR(stored.status());
  v1::Event event = stored->event();
  auto* members = event.mutable_members();
  members->erase(std::remove_if(members->begin(), members->end(),
                                [&](const v1::EventMember& member) { return member.item_id() == item_id; }),
                 members->end());
  batch.DeleteEvent(*stored);
  if (!members->empty()) batch.PutEvent(Record(event));
  batch.PutLearning(event_id);
  return absl::OkStatus();
}

absl::Status EventBook::DeleteItem(uint64_t item_id) {
  if (!catalog_.Contains(item_id)) return absl::NotFoundError(absl::StrCat("item_id: no item ", item_id));
  MIXMATCH_ASSIGN_OR_RETURN(const auto parts, store_.GetParts(item_id));
  std::vector<std::pair<int, uint64_t>> keys;
  for (const auto& part : parts) {
    keys.emplace_back(model::SlotOf(static_cast<model::Modality>(part.part().modality())), part.part().part_id());
  }
  // The index before the records, as ingest does: the other order could wait for itself.
  return live_.Remove(keys, [&] { return CommitDelete(item_id, keys); });
}

absl::Status EventBook::CommitDelete(uint64_t item_id, absl::Span<const std::pair<int, uint64_t>> parts) {
  absl::MutexLock lock(&mutex_);
  const auto record = catalog_.Get(item_id);
  if (record == nullptr) return absl::NotFoundError(absl::StrCat("item_id: no item ", item_id));
  std::vector<std::string> events(record->item().event_ids().begin(), record->item().event_ids().end());
  events.push_back(ContainerId(item_id));
  std::unique_ptr<index::StoreBatch> batch = store_.NewBatch();
  for (const auto& [slot, part_id] : parts) batch->DeletePart(part_id);
  for (const std::string& event_id : events) MIXMATCH_RETURN_IF_ERROR(TakeItemOut(event_id, item_id, *batch));
  batch->DeleteItem(item_id);
  batch->DeleteContent(record->content_id());
  batch->PutMeta(kNextItemId, absl::StrCat(next_item_id_.load()));
  MIXMATCH_RETURN_IF_ERROR(store_.Commit(std::move(batch), /*sync=*/true));
  catalog_.Remove(item_id);
  const absl::Time acked = absl::Now();
  for (const std::string& event_id : events) learner_.Changed(event_id, acked);
  return absl::OkStatus();
}

absl::StatusOr<v1::Item> EventBook::UpdateItem(const v1::UpdateMetadataRequest& request) {
  MIXMATCH_RETURN_IF_ERROR(CheckMetadata("set", request.set()));
  absl::MutexLock lock(&mutex_);
  const auto known = catalog_.Get(request.item_id());
  if (known == nullptr) return absl::NotFoundError(absl::StrCat("item_id: no item ", request.item_id()));
  ItemRecord record = *known;
  v1::Item& item = *record.mutable_item();
  for (const std::string& key : request.remove()) item.mutable_metadata()->erase(key);
  for (const auto& [key, value] : request.set()) (*item.mutable_metadata())[key] = value;
  MIXMATCH_RETURN_IF_ERROR(CheckMetadata("metadata", item.metadata()));
  if (request.has_name()) {
    if (request.name().size() > 1024) return absl::InvalidArgumentError("name: wanted at most 1,024 bytes");
    item.set_name(request.name());
  }
  std::unique_ptr<index::StoreBatch> batch = store_.NewBatch();
  batch->PutItem(record);
  MIXMATCH_RETURN_IF_ERROR(store_.Commit(std::move(batch), /*sync=*/true));
  catalog_.Put(record);
  return item;
}

absl::Status EventBook::AddNewItem(const storage::v1::ItemRecord& record, absl::Span<const v1::Part> parts,
                                   std::unique_ptr<index::StoreBatch> batch) {
  const uint64_t item_id = record.item().item_id();
  v1::EventMember member;
  member.set_item_id(item_id);
  absl::MutexLock lock(&mutex_);
  for (const std::string& event_id : record.item().event_ids()) {
    MIXMATCH_ASSIGN_OR_RETURN(v1::Event event, ReadOrNew(event_id));
    PutMember(member, event);
    batch->PutEvent(Record(event));
    batch->PutLearning(event_id);
  }
  if (parts.size() >= 2) {
    v1::Event container;
    container.set_event_id(ContainerId(item_id));
    container.set_kind(v1::EVENT_KIND_CONTAINER);
    *container.mutable_created_time() = record.item().created_time();
    PutMember(member, container);
    batch->PutEvent(Record(container));
  }
  batch->PutLearning(ContainerId(item_id));
  batch->PutMeta(kNextItemId, absl::StrCat(next_item_id_.load()));
  MIXMATCH_RETURN_IF_ERROR(store_.Commit(std::move(batch), /*sync=*/true));
  catalog_.Put(record);
  const absl::Time acked = absl::Now();
  for (const std::string& event_id : record.item().event_ids()) learner_.Changed(event_id, acked);
  learner_.Changed(ContainerId(item_id), acked);
  return absl::OkStatus();
}

}  // namespace mixmatch::server
