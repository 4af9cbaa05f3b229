// A StoreBatch over RocksDB's WriteBatch.
#ifndef MIXMATCH_INDEX_STORE_ROCKS_BATCH_H_
#define MIXMATCH_INDEX_STORE_ROCKS_BATCH_H_

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "index/store/rocks_options.h"
#include "index/store/store.h"
#include "rocksdb/db.h"
#include "rocksdb/write_batch.h"

namespace mixmatch::index {

class RocksBatch : public StoreBatch {
 public:
  // Both must outlive it; handles[f] is family f.
  RocksBatch(rocksdb::DB* db, const std::vector<rocksdb::ColumnFamilyHandle*>* handles) : db_(db), handles_(handles) {}

  void PutItem(const storage::ItemRecord& record) override;
  void DeleteItem(uint64_t item_id) override;
  void PutPart(const storage::PartRecord& record) override;
  void DeletePart(uint64_t part_id) override;
  void PutVector(uint64_t part_id, uint64_t generation, absl::Span<const float> vector) override;
  void PutFeatures(int slot, uint64_t part_id, absl::Span<const float> features) override;
  void DeleteFeatures(int slot, uint64_t part_id) override;
  void PutTrunkFeatures(uint64_t trunk, uint64_t part_id, absl::Span<const float> features) override;
  void DeleteTrunkFeatures(uint64_t trunk, uint64_t part_id) override;
  void DeleteAllTrunkFeatures(uint64_t trunk) override;
  void PutTokens(uint64_t part_id, absl::Span<const uint8_t> tokens) override;
  void PutEvent(const storage::EventRecord& record) override;
  void DeleteEvent(const storage::EventRecord& stored) override;
  void PutRequest(absl::string_view request_id, const storage::RequestRecord& record) override;
  void PutUpload(absl::string_view request_id, const storage::UploadRecord& record) override;
  void DeleteUpload(absl::string_view request_id) override;
  void DeleteContent(uint64_t content_id) override;
  void PutLearning(absl::string_view event_id) override;
  void DeleteLearning(absl::string_view event_id) override;
  void PutOperation(const storage::OperationRecord& record) override;
  void PutManifest(const storage::Manifest& manifest) override;
  void PutMeta(absl::string_view key, absl::string_view value) override;

  rocksdb::WriteBatch& batch() { return batch_; }
  // The first call that could not be taken; a commit then fails with it.
  const absl::Status& status() const { return status_; }

 private:
  void Put(Family family, absl::string_view key, absl::string_view value);
  void Put(Family family, absl::string_view key, const google::protobuf::MessageLite& record);
  void Delete(Family family, absl::string_view key);
  void DeletePrefix(Family family, const std::string& prefix);
  void Note(const absl::Status& status);
  bool SlotIsGood(int slot);
  void ReplaceMembers(const storage::EventRecord& record);

  rocksdb::DB* db_;
  const std::vector<rocksdb::ColumnFamilyHandle*>* handles_;
  rocksdb::WriteBatch batch_;
  absl::Status status_;
  // Items under which this batch has listed an event.
  std::unordered_map<std::string, std::vector<uint64_t>> listed_;
  std::string scratch_;
};

}  // namespace mixmatch::index

#endif  // MIXMATCH_INDEX_STORE_ROCKS_BATCH_H_
