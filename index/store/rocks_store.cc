#include "index/store/rocks_store.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <system_error>
#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "index/store/half.h"
#include "index/store/keys.h"
#include "index/store/rocks_batch.h"
#include "index/store/rocks_files.h"
#include "index/store/rocks_log.h"
#include "proto/base/status_macros.h"
#include "rocksdb/listener.h"

namespace mixmatch::index {
namespace {

constexpr char kFormat[] = "1";
constexpr int64_t kResumeEveryNs = 1'000'000'000;

// Column families that this program does not know were made by a later one.
absl::Status CheckFamilies(const std::string& path) {
  std::vector<std::string> there;
  if (!rocksdb::DB::ListColumnFamilies(rocksdb::DBOptions(), path, &there).ok()) return absl::OkStatus();
  for (const std::string& name : there) {
    if (std::find(FamilyNames().begin(), FamilyNames().end(), name) == FamilyNames().end()) {
      return absl::FailedPreconditionError(
          absl::StrCat("store: ", path, " has the column family '", name,
                       "', which this version does not know; use the version that made it"));
    }
  }
  return absl::OkStatus();
}

// RocksDB would resume by itself once the file system reports free space: not when a quota, or what is reserved, is in the
// way, and then for good. RocksStore::Write does it.
class NoResume : public rocksdb::EventListener {
 public:
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status, bool* resumes) override { *resumes = false; }
};

}  // namespace

absl::Status Unreadable(absl::string_view family, absl::string_view key) {
  return absl::DataLossError(absl::StrCat("store.", family, ": the record under ", absl::BytesToHexString(key),
                                          " cannot be read; restore the directory from a backup"));
}

absl::StatusOr<std::unique_ptr<Store>> Store::Open(const StoreOptions& options) {
  MIXMATCH_RETURN_IF_ERROR(MakeDirectories(options.path));
  MIXMATCH_RETURN_IF_ERROR(CheckFiles(options.path));
  MIXMATCH_RETURN_IF_ERROR(CheckFamilies(options.path));
  const std::shared_ptr<rocksdb::Cache> cache = StoreCache(options);
  rocksdb::DBOptions database = DatabaseOptions(options, cache);
  database.info_log = std::make_shared<RocksLog>(options.path);
  database.listeners.push_back(std::make_shared<NoResume>());
  rocksdb::DB* db = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  MIXMATCH_RETURN_IF_ERROR(
      FromRocks(rocksdb::DB::Open(database, options.path, FamilyDescriptors(options, cache), &handles, &db),
                absl::StrCat("store: ", options.path)));
  auto store = std::make_unique<RocksStore>(options.path, std::unique_ptr<rocksdb::DB>(db), std::move(handles));
  MIXMATCH_RETURN_IF_ERROR(store->CheckFormat());
  MIXMATCH_RETURN_IF_ERROR(NoteOpened(options.path));
  return std::unique_ptr<Store>(std::move(store));
}

RocksStore::~RocksStore() {
  for (rocksdb::ColumnFamilyHandle* handle : handles_) db_->DestroyColumnFamilyHandle(handle);
  db_->Close();
}

absl::Status RocksStore::CheckFormat() {
  rocksdb::PinnableSlice format;
  const absl::Status status = GetValue(kMeta, kFormatKey, &format);
  if (absl::IsNotFound(status)) {
    rocksdb::WriteOptions synced;
    synced.sync = true;
    return FromRocks(db_->Put(synced, handles_[kMeta], kFormatKey, kFormat), "store.meta");
  }
  MIXMATCH_RETURN_IF_ERROR(status);
  if (format == rocksdb::Slice(kFormat)) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("store: ", path_, " has format ", format.ToString(),
                                                    ", this version reads ", kFormat, "; use the version that made it"));
}

std::unique_ptr<StoreBatch> RocksStore::NewBatch() const { return std::make_unique<RocksBatch>(db_.get(), &handles_); }

absl::Status RocksStore::Commit(std::unique_ptr<StoreBatch> batch, bool sync) {
  auto* rocks = static_cast<RocksBatch*>(batch.get());
  MIXMATCH_RETURN_IF_ERROR(rocks->status());
  rocksdb::WriteOptions write;
  write.sync = sync;
  return Write(write, rocks->batch(), "store.commit");
}

// After a full disk RocksDB refuses all writes until it is told to go on, which it can once it has written out what it holds
// in memory. After any other error it cannot: what the disk dropped is not known before the next start.
absl::Status RocksStore::Write(const rocksdb::WriteOptions& options, rocksdb::WriteBatch& batch, absl::string_view where) {
  const int64_t now = absl::GetCurrentTimeNanos();
  int64_t due = resume_at_ns_.load(std::memory_order_relaxed);
  if (due != kNotStopped && now >= due && resume_at_ns_.compare_exchange_strong(due, now + kResumeEveryNs)) {
    if (HasSpace() && db_->Resume().ok()) resume_at_ns_ = kNotStopped;
  }
  const rocksdb::Status written = db_->Write(options, &batch);
  if (written.IsNoSpace()) {
    int64_t not_stopped = kNotStopped;
    resume_at_ns_.compare_exchange_strong(not_stopped, now + kResumeEveryNs);
  }
  return FromRocks(written, where);
}

// A resume flushes what is in memory into new files. One that meets a full disk again ends all writes for good, so as much
// is written first and removed.
bool RocksStore::HasSpace() const {
  constexpr uint64_t kPiece = 1 << 20;
  uint64_t memory = 0;
  if (!db_->GetAggregatedIntProperty(rocksdb::DB::Properties::kCurSizeAllMemTables, &memory)) return false;
  const std::string probe = path_ + "/space.probe", piece(kPiece, '.');
  std::ofstream out(probe, std::ios::binary | std::ios::trunc);
  for (uint64_t bytes = 0; bytes < memory + 4 * kPiece && out; bytes += kPiece) out << piece;
  const bool written = static_cast<bool>(out.flush());
  out.close();
  std::error_code ignored;
  std::filesystem::remove(probe, ignored);
  return written;
}

absl::Status RocksStore::GetValue(Family family, absl::string_view key, rocksdb::PinnableSlice* value) const {
  return FromRocks(db_->Get(rocksdb::ReadOptions(), handles_[family], rocksdb::Slice(key.data(), key.size()), value),
                   absl::StrCat("store.", FamilyNames()[family]));
}

absl::StatusOr<storage::ItemRecord> RocksStore::GetItem(uint64_t item_id) const {
  return Get<storage::ItemRecord>(kItems, NumberKey(item_id));
}

absl::StatusOr<storage::PartRecord> RocksStore::GetPart(uint64_t part_id) const {
  return Get<storage::PartRecord>(kParts, NumberKey(part_id));
}

absl::StatusOr<std::vector<float>> RocksStore::GetVector(uint64_t part_id, uint64_t* generation) const {
  rocksdb::PinnableSlice value;
  const std::string key = NumberKey(part_id);
  MIXMATCH_RETURN_IF_ERROR(GetValue(kVectors, key, &value));
  if (value.size() < 8 || value.size() % 4 != 0) return Unreadable(FamilyNames()[kVectors], key);
  if (generation != nullptr) std::memcpy(generation, value.data(), 8);
  std::vector<float> result((value.size() - 8) / 4);
  if (!result.empty()) std::memcpy(result.data(), value.data() + 8, value.size() - 8);
  return result;
}

namespace {

absl::StatusOr<std::vector<float>> FromHalves(const rocksdb::PinnableSlice& value, Family family,
                                              absl::string_view key) {
  if (value.size() % 2 != 0) return Unreadable(FamilyNames()[family], key);
  std::vector<float> result(value.size() / 2);
  HalvesToFloats(value.data(), result.size(), result.data());
  return result;
}

}  // namespace

absl::StatusOr<std::vector<float>> RocksStore::GetFeatures(int slot, uint64_t part_id) const {
  if (slot < 0 || slot >= kSlots) {
    return absl::InvalidArgumentError(absl::StrCat("store.features: got slot ", slot, ", wanted 0 to ", kSlots - 1));
  }
  rocksdb::PinnableSlice value;
  const std::string key = SlotKey(slot, part_id);
  MIXMATCH_RETURN_IF_ERROR(GetValue(kFeatures, key, &value));
  return FromHalves(value, kFeatures, key);
}

absl::StatusOr<std::vector<float>> RocksStore::GetTrunkFeatures(uint64_t trunk, uint64_t part_id) const {
  rocksdb::PinnableSlice value;
  const std::string key = PairKey(trunk, part_id);
  MIXMATCH_RETURN_IF_ERROR(GetValue(kTrunkFeatures, key, &value));
  return FromHalves(value, kTrunkFeatures, key);
}

absl::StatusOr<std::vector<uint8_t>> RocksStore::GetTokens(uint64_t part_id) const {
  rocksdb::PinnableSlice value;
  MIXMATCH_RETURN_IF_ERROR(GetValue(kTokens, NumberKey(part_id), &value));
  const auto* bytes = reinterpret_cast<const uint8_t*>(value.data());
  return std::vector<uint8_t>(bytes, bytes + value.size());
}

absl::StatusOr<storage::EventRecord> RocksStore::GetEvent(absl::string_view event_id) const {
  return Get<storage::EventRecord>(kEvents, event_id);
}

absl::StatusOr<storage::RequestRecord> RocksStore::GetRequest(absl::string_view request_id) const {
  return Get<storage::RequestRecord>(kRequests, request_id);
}

absl::StatusOr<storage::UploadRecord> RocksStore::GetUpload(absl::string_view request_id) const {
  return Get<storage::UploadRecord>(kUploads, request_id);
}

absl::StatusOr<storage::OperationRecord> RocksStore::GetOperation(absl::string_view operation_id) const {
  return Get<storage::OperationRecord>(kOperations, operation_id);
}

absl::StatusOr<storage::Manifest> RocksStore::GetManifest() const { return Get<storage::Manifest>(kMeta, kManifestKey); }

absl::StatusOr<std::string> RocksStore::GetMeta(absl::string_view key) const {
  rocksdb::PinnableSlice value;
  MIXMATCH_RETURN_IF_ERROR(GetValue(kMeta, MetaKey(key), &value));
  return value.ToString();
}

absl::StatusOr<uint64_t> RocksStore::DiskBytes() const {
  std::error_code error;
  uint64_t bytes = 0;
  // Files come and go while RocksDB compacts; one that has just gone counts nothing.
  for (std::filesystem::directory_iterator file(path_, error), end; !error && file != end; file.increment(error)) {
    std::error_code gone;
    const uint64_t size = file->is_regular_file(gone) ? file->file_size(gone) : 0;
    if (!gone) bytes += size;
  }
  if (error) return absl::InternalError(absl::StrCat("store: cannot list ", path_, ": ", error.message()));
  return bytes;
}

std::map<std::string, double> RocksStore::Properties() const {
  struct Property {
    const char* name;
    const std::string& rocks;
    bool of_all;  // A sum over the column families; else one of the whole database, told by any of them.
  };
  using P = rocksdb::DB::Properties;
  static const Property kProperties[] = {
      {"memtable_bytes", P::kCurSizeAllMemTables, true},
      {"live_data_bytes", P::kEstimateLiveDataSize, true},
      {"table_bytes", P::kTotalSstFilesSize, true},
      {"blob_bytes", P::kTotalBlobFileSize, true},
      {"table_readers_bytes", P::kEstimateTableReadersMem, true},
      {"pending_compaction_bytes", P::kEstimatePendingCompactionBytes, true},
      {"running_compactions", P::kNumRunningCompactions, false},
      {"running_flushes", P::kNumRunningFlushes, false},
      {"block_cache_bytes", P::kBlockCacheUsage, false},
      {"block_cache_capacity_bytes", P::kBlockCacheCapacity, false},
      {"background_errors", P::kBackgroundErrors, false},
      {"delayed_write_bytes_per_second", P::kActualDelayedWriteRate, false},
      {"writes_stopped", P::kIsWriteStopped, false},
  };
  std::map<std::string, double> result;
  for (const Property& property : kProperties) {
    uint64_t value = 0;
    const bool known = property.of_all ? db_->GetAggregatedIntProperty(property.rocks, &value)
                                       : db_->GetIntProperty(handles_[kItems], property.rocks, &value);
    if (known) result[property.name] = static_cast<double>(value);
  }
  return result;
}

}  // namespace mixmatch::index
