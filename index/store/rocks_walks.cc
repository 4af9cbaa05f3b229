// The walks of the store, and its content.
#include <algorithm>
#include <memory>
#include <utility>

#include "index/store/half.h"
#include "index/store/keys.h"
#include "index/store/rocks_store.h"
#include "proto/base/status_macros.h"

namespace mixmatch::index {
namespace {

absl::string_view View(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

// Everything: reads far ahead, and leaves in the cache what searches need.
rocksdb::ReadOptions LongWalk() {
  rocksdb::ReadOptions read;
  read.verify_checksums = true;
  read.fill_cache = false;
  read.readahead_size = 2 << 20;
  return read;
}

// A few records of one item.
rocksdb::ReadOptions ShortWalk() { return rocksdb::ReadOptions(); }

}  // namespace

absl::Status RocksStore::Walk(rocksdb::ReadOptions read, Family family, const std::string& prefix,
                              const std::string& first, const Visit& visit) const {
  const std::string end = AfterPrefix(prefix);
  const rocksdb::Slice end_slice(end);
  if (!end.empty()) read.iterate_upper_bound = &end_slice;
  const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(read, handles_[family]));
  for (at->Seek(std::max(first, prefix)); at->Valid(); at->Next()) {
    const absl::string_view key = View(at->key());
    if (key.substr(0, prefix.size()) != prefix) break;
    MIXMATCH_ASSIGN_OR_RETURN(const bool more, visit(key, View(at->value())));
    if (!more) return absl::OkStatus();
  }
  return FromRocks(at->status(), absl::StrCat("store.", FamilyNames()[family]));
}

template <typename Record>
absl::Status RocksStore::WalkRecords(rocksdb::ReadOptions read, Family family, const std::string& prefix,
                                     const std::string& first,
                                     const std::function<bool(absl::string_view, const Record&)>& visit) const {
  Record record;
  return Walk(std::move(read), family, prefix, first, [&](absl::string_view key, absl::string_view value) -> absl::StatusOr<bool> {
    if (!record.ParseFromArray(value.data(), static_cast<int>(value.size()))) {
      return Unreadable(FamilyNames()[family], key);
    }
    return visit(key, record);
  });
}

absl::Status RocksStore::WalkHalves(Family family, const std::string& prefix, uint64_t first_part_id,
                                    const std::function<bool(uint64_t, absl::Span<const float>)>& visit) const {
  std::vector<float> features;
  return Walk(LongWalk(), family, prefix, prefix + NumberKey(first_part_id),
              [&](absl::string_view key, absl::string_view value) -> absl::StatusOr<bool> {
                if (key.size() != prefix.size() + 8 || value.size() % 2 != 0) {
                  return Unreadable(FamilyNames()[family], key);
                }
                features.resize(value.size() / 2);
                HalvesToFloats(value.data(), features.size(), features.data());
                return visit(NumberIn(key, prefix.size()), features);
              });
}

absl::Status RocksStore::ForEachItem(uint64_t first_item_id,
                                     const std::function<bool(const storage::ItemRecord&)>& visit) const {
  return WalkRecords<storage::ItemRecord>(
      LongWalk(), kItems, "", NumberKey(first_item_id),
      [&](absl::string_view, const storage::ItemRecord& record) { return visit(record); });
}

absl::Status RocksStore::ForEachPart(uint64_t first_part_id,
                                     const std::function<bool(const storage::PartRecord&)>& visit) const {
  return WalkRecords<storage::PartRecord>(
      LongWalk(), kParts, "", NumberKey(first_part_id),
      [&](absl::string_view, const storage::PartRecord& record) { return visit(record); });
}

absl::StatusOr<std::vector<storage::PartRecord>> RocksStore::GetParts(uint64_t item_id) const {
  if (item_id > UINT64_MAX / kPartsAnItem) {
    return absl::InvalidArgumentError("store.parts: got an item id of 2^48 or more, which has no part ids");
  }
  std::vector<storage::PartRecord> parts;
  const std::string prefix = NumberKey(item_id * kPartsAnItem).substr(0, 6);
  MIXMATCH_RETURN_IF_ERROR(WalkRecords<storage::PartRecord>(ShortWalk(), kParts, prefix, prefix,
                                                            [&](absl::string_view, const storage::PartRecord& record) {
                                                              parts.push_back(record);
                                                              return true;
                                                            }));
  return parts;
}

absl::Status RocksStore::ForEachFeatures(int slot, uint64_t first_part_id,
                                         const std::function<bool(uint64_t, absl::Span<const float>)>& visit) const {
  if (slot < 0 || slot >= kSlots) {
    return absl::InvalidArgumentError(absl::StrCat("store.features: got slot ", slot, ", wanted 0 to ", kSlots - 1));
  }
  return WalkHalves(kFeatures, std::string(1, static_cast<char>(slot)), first_part_id, visit);
}

absl::Status RocksStore::ForEachTrunkFeatures(
    uint64_t trunk, uint64_t first_part_id, const std::function<bool(uint64_t, absl::Span<const float>)>& visit) const {
  return WalkHalves(kTrunkFeatures, NumberKey(trunk), first_part_id, visit);
}

absl::Status RocksStore::ForEachTokens(uint64_t first_part_id,
                                       const std::function<bool(uint64_t, absl::Span<const uint8_t>)>& visit) const {
  return Walk(LongWalk(), kTokens, "", NumberKey(first_part_id),
              [&](absl::string_view key, absl::string_view value) -> absl::StatusOr<bool> {
                if (key.size() != 8) return Unreadable(FamilyNames()[kTokens], key);
                return visit(NumberIn(key, 0), {reinterpret_cast<const uint8_t*>(value.data()), value.size()});
              });
}

absl::Status RocksStore::ForEachEvent(absl::string_view first_event_id,
                                      const std::function<bool(const storage::EventRecord&)>& visit) const {
  return WalkRecords<storage::EventRecord>(
      LongWalk(), kEvents, "", std::string(first_event_id),
      [&](absl::string_view, const storage::EventRecord& record) { return visit(record); });
}

absl::Status RocksStore::ForEachUpload(
    const std::function<bool(const std::string&, const storage::UploadRecord&)>& visit) const {
  return WalkRecords<storage::UploadRecord>(
      LongWalk(), kUploads, "", "",
      [&](absl::string_view key, const storage::UploadRecord& record) { return visit(std::string(key), record); });
}

absl::Status RocksStore::ForEachOperation(const std::function<bool(const storage::OperationRecord&)>& visit) const {
  return WalkRecords<storage::OperationRecord>(
      LongWalk(), kOperations, "", "", [&](absl::string_view, const storage::OperationRecord& record) { return visit(record); });
}

absl::Status RocksStore::ForEachLearning(const std::function<bool(const std::string&)>& visit) const {
  return Walk(LongWalk(), kLearning, "", "", [&](absl::string_view key, absl::string_view) -> absl::StatusOr<bool> {
    return visit(std::string(key));
  });
}

absl::StatusOr<std::vector<std::string>> RocksStore::GetEventIds(uint64_t item_id) const {
  std::vector<std::string> ids;
  const std::string prefix = NumberKey(item_id);
  MIXMATCH_RETURN_IF_ERROR(
      Walk(ShortWalk(), kItemEvents, prefix, prefix, [&](absl::string_view key, absl::string_view) -> absl::StatusOr<bool> {
        ids.emplace_back(key.substr(prefix.size()));
        return true;
      }));
  return ids;
}

absl::Status RocksStore::ForEachContentId(const std::function<bool(uint64_t)>& visit) const {
  const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(rocksdb::ReadOptions(), handles_[kContent]));
  std::string next;  // One seek a content, however many chunks it has.
  for (at->SeekToFirst(); at->Valid(); at->Seek(next)) {
    if (at->key().size() != 16) return Unreadable(FamilyNames()[kContent], View(at->key()));
    const uint64_t content_id = NumberIn(View(at->key()), 0);
    if (!visit(content_id) || content_id == UINT64_MAX) return absl::OkStatus();
    next = NumberKey(content_id + 1);
  }
  return FromRocks(at->status(), "store.content");
}

absl::Status RocksStore::AppendContent(uint64_t content_id, uint64_t offset, absl::string_view chunk) {
  if (chunk.empty()) return absl::OkStatus();
  const std::string key = PairKey(content_id, offset);
  const std::string prefix = NumberKey(content_id);
  rocksdb::WriteBatch batch;
  {
    // Chunks from here on are of an earlier try: they go, so that no byte of theirs is ever read.
    const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(rocksdb::ReadOptions(), handles_[kContent]));
    at->Seek(key);
    MIXMATCH_RETURN_IF_ERROR(FromRocks(at->status(), "store.content"));
    if (at->Valid() && at->key().starts_with(prefix)) {
      MIXMATCH_RETURN_IF_ERROR(FromRocks(
          batch.DeleteRange(handles_[kContent], key, prefix + std::string(9, '\xff')), "store.content"));
    }
  }
  MIXMATCH_RETURN_IF_ERROR(
      FromRocks(batch.Put(handles_[kContent], key, rocksdb::Slice(chunk.data(), chunk.size())), "store.content"));
  return Write(rocksdb::WriteOptions(), batch, "store.content");
}

absl::Status RocksStore::ReadContent(uint64_t content_id, uint64_t offset, uint64_t length,
                                     const std::function<bool(absl::string_view)>& visit) const {
  const std::string prefix = NumberKey(content_id);
  const std::string end = AfterPrefix(prefix);
  const rocksdb::Slice end_slice(end);
  rocksdb::ReadOptions read = ShortWalk();
  if (!end.empty()) read.iterate_upper_bound = &end_slice;
  read.fill_cache = false;
  const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(read, handles_[kContent]));
  at->SeekForPrev(PairKey(content_id, offset));
  MIXMATCH_RETURN_IF_ERROR(FromRocks(at->status(), "store.content"));
  if (!at->Valid() || !at->key().starts_with(prefix)) {
    return absl::NotFoundError(absl::StrCat("store.content: no content ", content_id));
  }
  for (uint64_t next = NumberIn(View(at->key()), 8); length > 0 && at->Valid(); at->Next()) {
    const uint64_t start = NumberIn(View(at->key()), 8);
    absl::string_view piece = View(at->value());
    if (start != next) {
      return absl::DataLossError(absl::StrCat("store.content: content ", content_id, " has a chunk at ", start,
                                              " where one at ", next, " was wanted"));
    }
    next = start + piece.size();
    if (next <= offset) continue;
    if (start < offset) piece.remove_prefix(offset - start);
    piece = piece.substr(0, length);
    length -= piece.size();
    if (!visit(piece)) return absl::OkStatus();
  }
  return FromRocks(at->status(), "store.content");
}

}  // namespace mixmatch::index
