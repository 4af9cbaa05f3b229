#include "index/store/rocks_batch.h"

#include <cstring>

#include "absl/strings/str_cat.h"
#include "index/store/half.h"
#include "index/store/keys.h"
#include "index/store/rocks_status.h"
#include "index/store/rocks_store.h"

namespace mixmatch::index {
namespace {

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "Values are stored as they lie in memory, which index/FORMAT.md says is little-endian."
#endif

rocksdb::Slice AsSlice(absl::string_view view) { return {view.data(), view.size()}; }

}  // namespace

void RocksBatch::Note(const absl::Status& status) { status_.Update(status); }

void RocksBatch::Put(Family family, absl::string_view key, absl::string_view value) {
  Note(FromRocks(batch_.Put((*handles_)[family], AsSlice(key), AsSlice(value)), "store.batch"));
}

void RocksBatch::Put(Family family, absl::string_view key, const google::protobuf::MessageLite& record) {
  if (!record.SerializeToString(&scratch_)) {
    return Note(absl::InvalidArgumentError(
        absl::StrCat("store.", FamilyNames()[family], ": the record cannot be serialized; it must be below 2 GiB")));
  }
  Put(family, key, scratch_);
}

void RocksBatch::Delete(Family family, absl::string_view key) {
  Note(FromRocks(batch_.Delete((*handles_)[family], AsSlice(key)), "store.batch"));
}

void RocksBatch::DeletePrefix(Family family, const std::string& prefix) {
  std::string end = AfterPrefix(prefix);
  if (end.empty()) end = prefix + std::string(32, '\xff');  // Longer than any key of these families.
  Note(FromRocks(batch_.DeleteRange((*handles_)[family], prefix, end), "store.batch"));
}

bool RocksBatch::SlotIsGood(int slot) {
  if (slot >= 0 && slot < kSlots) return true;
  Note(absl::InvalidArgumentError(absl::StrCat("store.features: got slot ", slot, ", wanted 0 to ", kSlots - 1)));
  return false;
}

void RocksBatch::PutItem(const storage::ItemRecord& record) { Put(kItems, NumberKey(record.item().item_id()), record); }

void RocksBatch::DeleteItem(uint64_t item_id) { Delete(kItems, NumberKey(item_id)); }

void RocksBatch::PutPart(const storage::PartRecord& record) { Put(kParts, NumberKey(record.part().part_id()), record); }

void RocksBatch::DeletePart(uint64_t part_id) {
  const std::string key = NumberKey(part_id);
  Delete(kParts, key);
  Delete(kVectors, key);
  Delete(kTokens, key);
}

void RocksBatch::PutVector(uint64_t part_id, uint64_t generation, absl::Span<const float> vector) {
  scratch_.resize(8 + 4 * vector.size());
  std::memcpy(&scratch_[0], &generation, 8);
  if (!vector.empty()) std::memcpy(&scratch_[8], vector.data(), 4 * vector.size());
  Put(kVectors, NumberKey(part_id), scratch_);
}

void RocksBatch::PutFeatures(int slot, uint64_t part_id, absl::Span<const float> features) {
  if (!SlotIsGood(slot)) return;
  scratch_.resize(2 * features.size());
  FloatsToHalves(features.data(), features.size(), &scratch_[0]);
  Put(kFeatures, SlotKey(slot, part_id), scratch_);
}

void RocksBatch::DeleteFeatures(int slot, uint64_t part_id) {
  if (SlotIsGood(slot)) Delete(kFeatures, SlotKey(slot, part_id));
}

void RocksBatch::PutTrunkFeatures(uint64_t trunk, uint64_t part_id, absl::Span<const float> features) {
  scratch_.resize(2 * features.size());
  FloatsToHalves(features.data(), features.size(), &scratch_[0]);
  Put(kTrunkFeatures, PairKey(trunk, part_id), scratch_);
}

void RocksBatch::DeleteTrunkFeatures(uint64_t trunk, uint64_t part_id) { Delete(kTrunkFeatures, PairKey(trunk, part_id)); }

void RocksBatch::DeleteAllTrunkFeatures(uint64_t trunk) { DeletePrefix(kTrunkFeatures, NumberKey(trunk)); }

void RocksBatch::PutTokens(uint64_t part_id, absl::Span<const uint8_t> tokens) {
  Put(kTokens, NumberKey(part_id), absl::string_view(reinterpret_cast<const char*>(tokens.data()), tokens.size()));
}

void RocksBatch::ReplaceMembers(const storage::EventRecord& record) {
  const std::string& event_id = record.event().event_id();
  auto [known, is_new] = listed_.try_emplace(event_id);
  if (is_new) {
    auto stored = GetRecord<storage::EventRecord>(db_, (*handles_)[kEvents], FamilyNames()[kEvents], event_id);
    if (stored.ok()) {
      for (const auto& member : stored->event().members()) known->second.push_back(member.item_id());
    } else if (!absl::IsNotFound(stored.status())) {
      Note(stored.status());
    }
  }
  for (uint64_t item_id : known->second) Delete(kItemEvents, ItemEventKey(item_id, event_id));
  known->second.clear();
  for (const auto& member : record.event().members()) {
    known->second.push_back(member.item_id());
    Put(kItemEvents, ItemEventKey(member.item_id(), event_id), absl::string_view());
  }
}

void RocksBatch::PutEvent(const storage::EventRecord& record) {
  ReplaceMembers(record);
  Put(kEvents, record.event().event_id(), record);
}

void RocksBatch::DeleteEvent(const storage::EventRecord& stored) {
  const std::string& event_id = stored.event().event_id();
  storage::EventRecord nothing;
  nothing.mutable_event()->set_event_id(event_id);
  ReplaceMembers(nothing);
  for (const auto& member : stored.event().members()) Delete(kItemEvents, ItemEventKey(member.item_id(), event_id));
  Delete(kEvents, event_id);
}

void RocksBatch::PutRequest(absl::string_view request_id, const storage::RequestRecord& record) {
  Put(kRequests, request_id, record);
}

void RocksBatch::PutUpload(absl::string_view request_id, const storage::UploadRecord& record) {
  Put(kUploads, request_id, record);
}

void RocksBatch::DeleteUpload(absl::string_view request_id) { Delete(kUploads, request_id); }

void RocksBatch::DeleteContent(uint64_t content_id) { DeletePrefix(kContent, NumberKey(content_id)); }

void RocksBatch::PutLearning(absl::string_view event_id) { Put(kLearning, event_id, absl::string_view()); }

void RocksBatch::DeleteLearning(absl::string_view event_id) { Delete(kLearning, event_id); }

void RocksBatch::PutOperation(const storage::OperationRecord& record) {
  Put(kOperations, record.operation().operation_id(), record);
}

void RocksBatch::PutManifest(const storage::Manifest& manifest) { Put(kMeta, kManifestKey, manifest); }

void RocksBatch::PutMeta(absl::string_view key, absl::string_view value) { Put(kMeta, MetaKey(key), value); }

}  // namespace mixmatch::index
