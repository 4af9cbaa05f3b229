// The Store over RocksDB.
#ifndef MIXMATCH_INDEX_STORE_ROCKS_STORE_H_
#define MIXMATCH_INDEX_STORE_ROCKS_STORE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "index/store/rocks_options.h"
#include "index/store/rocks_status.h"
#include "index/store/store.h"
#include "rocksdb/db.h"

namespace mixmatch::index {

// Keys of the family "meta": these two, and "u" before what PutMeta is given.
inline constexpr char kFormatKey[] = "format";
inline constexpr char kManifestKey[] = "manifest";
inline std::string MetaKey(absl::string_view key) { return absl::StrCat("u", key); }

absl::Status Unreadable(absl::string_view family, absl::string_view key);

// NOT_FOUND; DATA_LOSS if the record does not parse.
template <typename Record>
absl::StatusOr<Record> GetRecord(rocksdb::DB* db, rocksdb::ColumnFamilyHandle* handle, absl::string_view family,
                                 absl::string_view key) {
  rocksdb::PinnableSlice value;
  absl::Status status = FromRocks(db->Get(rocksdb::ReadOptions(), handle, rocksdb::Slice(key.data(), key.size()), &value),
                                  absl::StrCat("store.", family));
  if (!status.ok()) return status;
  Record record;
  if (!record.ParseFromArray(value.data(), static_cast<int>(value.size()))) return Unreadable(family, key);
  return record;
}

class RocksStore : public Store {
 public:
  RocksStore(std::string path, std::unique_ptr<rocksdb::DB> db, std::vector<rocksdb::ColumnFamilyHandle*> handles)
      : path_(std::move(path)), db_(std::move(db)), handles_(std::move(handles)) {}
  ~RocksStore() override;

  // Writes the format's version into a new database; FAILED_PRECONDITION if a later version wrote it.
  absl::Status CheckFormat();

  std::unique_ptr<StoreBatch> NewBatch() const override;
  absl::Status Commit(std::unique_ptr<StoreBatch> batch, bool sync) override;

  absl::StatusOr<storage::ItemRecord> GetItem(uint64_t item_id) const override;
  absl::StatusOr<storage::PartRecord> GetPart(uint64_t part_id) const override;
  absl::StatusOr<std::vector<storage::PartRecord>> GetParts(uint64_t item_id) const override;
  absl::StatusOr<std::vector<float>> GetVector(uint64_t part_id, uint64_t* generation) const override;
  absl::StatusOr<std::vector<float>> GetFeatures(int slot, uint64_t part_id) const override;
  absl::StatusOr<std::vector<float>> GetTrunkFeatures(uint64_t trunk, uint64_t part_id) const override;
  absl::StatusOr<std::vector<uint8_t>> GetTokens(uint64_t part_id) const override;
  absl::StatusOr<storage::EventRecord> GetEvent(absl::string_view event_id) const override;
  absl::StatusOr<storage::RequestRecord> GetRequest(absl::string_view request_id) const override;
  absl::StatusOr<storage::UploadRecord> GetUpload(absl::string_view request_id) const override;
  absl::StatusOr<storage::OperationRecord> GetOperation(absl::string_view operation_id) const override;
  absl::StatusOr<storage::Manifest> GetManifest() const override;
  absl::StatusOr<std::string> GetMeta(absl::string_view key) const override;
  absl::StatusOr<std::vector<std::string>> GetEventIds(uint64_t item_id) const override;

  absl::Status ForEachItem(uint64_t first_item_id,
                           const std::function<bool(const storage::ItemRecord&)>& visit) const override;
  absl::Status ForEachPart(uint64_t first_part_id,
                           const std::function<bool(const storage::PartRecord&)>& visit) const override;
  absl::Status ForEachFeatures(int slot, uint64_t first_part_id,
                               const std::function<bool(uint64_t, absl::Span<const float>)>& visit) const override;
  absl::Status ForEachTrunkFeatures(uint64_t trunk, uint64_t first_part_id,
                                    const std::function<bool(uint64_t, absl::Span<const float>)>& visit) const override;
  absl::Status ForEachTokens(uint64_t first_part_id,
                             const std::function<bool(uint64_t, absl::Span<const uint8_t>)>& visit) const override;
  absl::Status ForEachEvent(absl::string_view first_event_id,
                            const std::function<bool(const storage::EventRecord&)>& visit) const override;
  absl::Status ForEachUpload(
      const std::function<bool(const std::string&, const storage::UploadRecord&)>& visit) const override;
  absl::Status ForEachOperation(const std::function<bool(const storage::OperationRecord&)>& visit) const override;
  absl::Status ForEachLearning(const std::function<bool(const std::string&)>& visit) const override;
  absl::Status ForEachContentId(const std::function<bool(uint64_t)>& visit) const override;

  absl::Status AppendContent(uint64_t content_id, uint64_t offset, absl::string_view chunk) override;
  absl::Status ReadContent(uint64_t content_id, uint64_t offset, uint64_t length,
                           const std::function<bool(absl::string_view)>& visit) const override;

  absl::StatusOr<uint64_t> DiskBytes() const override;
  std::map<std::string, double> Properties() const override;

  // For what else this room does with the database.
  rocksdb::DB* db() const { return db_.get(); }
  rocksdb::ColumnFamilyHandle* handle(Family family) const { return handles_[family]; }

 private:
  using Visit = std::function<absl::StatusOr<bool>(absl::string_view key, absl::string_view value)>;

  template <typename Record>
  absl::StatusOr<Record> Get(Family family, absl::string_view key) const {
    return GetRecord<Record>(db_.get(), handles_[family], FamilyNames()[family], key);
  }
  absl::Status GetValue(Family family, absl::string_view key, rocksdb::PinnableSlice* value) const;
  // All writes. Where a full disk stopped them, they go on by themselves once there is room again.
  absl::Status Write(const rocksdb::WriteOptions& options, rocksdb::WriteBatch& batch, absl::string_view where);
  // Keys from `first` on that begin with `prefix`, in order, over one snapshot.
  absl::Status Walk(rocksdb::ReadOptions read, Family family, const std::string& prefix, const std::string& first,
                    const Visit& visit) const;
  template <typename Record>
  absl::Status WalkRecords(rocksdb::ReadOptions read, Family family, const std::string& prefix, const std::string& first,
                           const std::function<bool(absl::string_view key, const Record&)>& visit) const;
  absl::Status WalkHalves(Family family, const std::string& prefix, uint64_t first_part_id,
                          const std::function<bool(uint64_t, absl::Span<const float>)>& visit) const;

  // Whether as much can be written as is held in memory.
  bool HasSpace() const;

  static constexpr int64_t kNotStopped = INT64_MAX;

  const std::string path_;
  const std::unique_ptr<rocksdb::DB> db_;
  const std::vector<rocksdb::ColumnFamilyHandle*> handles_;
  std::atomic<int64_t> resume_at_ns_{kNotStopped};  // After a failed write: when to try again to go on, Unix time.
};

}  // namespace mixmatch::index

#endif  // MIXMATCH_INDEX_STORE_ROCKS_STORE_H_
