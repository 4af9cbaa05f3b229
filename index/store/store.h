// The truth: items, parts, vectors, features, tokens, events, content and learning state, in RocksDB. Everything else can
// be made again from it.
#ifndef MIXMATCH_INDEX_STORE_STORE_H_
#define MIXMATCH_INDEX_STORE_STORE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "mixmatch/storage/v1/records.pb.h"

namespace mixmatch::index {

namespace storage = ::mixmatch::storage::v1;

struct StoreOptions {
  std::string path;                   // Made if it is not there.
  int64_t memory_bytes = 192 << 20;   // Of blocks read and of changes not yet in tables (at most a quarter), together.
  int64_t blob_min_bytes = 4096;      // Content and token values from this size live in blob files.
};

// Changes that are made together or not at all. Not thread-safe. Later calls win over earlier ones for the same key.
class StoreBatch {
 public:
  virtual ~StoreBatch() = default;

  virtual void PutItem(const storage::ItemRecord& record) = 0;      // Key: record.item().item_id().
  virtual void DeleteItem(uint64_t item_id) = 0;                    // The record alone.
  virtual void PutPart(const storage::PartRecord& record) = 0;      // Key: record.part().part_id().
  virtual void DeletePart(uint64_t part_id) = 0;                    // Record, vector and tokens; features stay.
  virtual void PutVector(uint64_t part_id, uint64_t generation, absl::Span<const float> vector) = 0;  // Stored as f32.
  // Fixed features of a part, by its modality slot (0 to 255); stored as f16: values beyond 65,504 become that.
  virtual void PutFeatures(int slot, uint64_t part_id, absl::Span<const float> features) = 0;
  virtual void DeleteFeatures(int slot, uint64_t part_id) = 0;
  // What trunk number `trunk` gave for a part; stored as f16.
  virtual void PutTrunkFeatures(uint64_t trunk, uint64_t part_id, absl::Span<const float> features) = 0;
  virtual void DeleteTrunkFeatures(uint64_t trunk, uint64_t part_id) = 0;
  virtual void DeleteAllTrunkFeatures(uint64_t trunk) = 0;
  virtual void PutTokens(uint64_t part_id, absl::Span<const uint8_t> tokens) = 0;
  virtual void PutEvent(const storage::EventRecord& record) = 0;    // Key: record.event().event_id(). Keeps item -> events.
  // Takes the record as it is stored, so that item -> events is cleaned too.
  virtual void DeleteEvent(const storage::EventRecord& stored) = 0;
  virtual void PutRequest(absl::string_view request_id, const storage::RequestRecord& record) = 0;
  virtual void PutUpload(absl::string_view request_id, const storage::UploadRecord& record) = 0;
  virtual void DeleteUpload(absl::string_view request_id) = 0;
  virtual void DeleteContent(uint64_t content_id) = 0;              // All its chunks.
  // A change that the learner has yet to learn: an event to look at again. Key is the event id; putting twice is one.
  virtual void PutLearning(absl::string_view event_id) = 0;
  virtual void DeleteLearning(absl::string_view event_id) = 0;
  virtual void PutOperation(const storage::OperationRecord& record) = 0;
  virtual void PutManifest(const storage::Manifest& manifest) = 0;
  virtual void PutMeta(absl::string_view key, absl::string_view value) = 0;  // Small things, e.g. counters.
};

// Thread-safe. Reads see every committed batch. NOT_FOUND where a record is absent; DATA_LOSS where one cannot be read.
class Store {
 public:
  // Opens or makes it, recovering to the last complete write (RocksDB kPointInTimeRecovery). FAILED_PRECONDITION: another
  // process has it open. DATA_LOSS: damaged, with what to do.
  static absl::StatusOr<std::unique_ptr<Store>> Open(const StoreOptions& options);
  virtual ~Store() = default;

  virtual std::unique_ptr<StoreBatch> NewBatch() const = 0;
  // Applies a batch made by this store. With `sync` it is on disk when this returns, and so is all committed before.
  virtual absl::Status Commit(std::unique_ptr<StoreBatch> batch, bool sync) = 0;

  virtual absl::StatusOr<storage::ItemRecord> GetItem(uint64_t item_id) const = 0;
  virtual absl::StatusOr<storage::PartRecord> GetPart(uint64_t part_id) const = 0;
  // Parts of an item by position; empty if it has none.
  virtual absl::StatusOr<std::vector<storage::PartRecord>> GetParts(uint64_t item_id) const = 0;
  virtual absl::StatusOr<std::vector<float>> GetVector(uint64_t part_id, uint64_t* generation) const = 0;
  virtual absl::StatusOr<std::vector<float>> GetFeatures(int slot, uint64_t part_id) const = 0;
  virtual absl::StatusOr<std::vector<float>> GetTrunkFeatures(uint64_t trunk, uint64_t part_id) const = 0;
  virtual absl::StatusOr<std::vector<uint8_t>> GetTokens(uint64_t part_id) const = 0;
  virtual absl::StatusOr<storage::EventRecord> GetEvent(absl::string_view event_id) const = 0;
  virtual absl::StatusOr<storage::RequestRecord> GetRequest(absl::string_view request_id) const = 0;
  virtual absl::StatusOr<storage::UploadRecord> GetUpload(absl::string_view request_id) const = 0;
  virtual absl::StatusOr<storage::OperationRecord> GetOperation(absl::string_view operation_id) const = 0;
  virtual absl::StatusOr<storage::Manifest> GetManifest() const = 0;
  virtual absl::StatusOr<std::string> GetMeta(absl::string_view key) const = 0;
  // Events of an item, by id.
  virtual absl::StatusOr<std::vector<std::string>> GetEventIds(uint64_t item_id) const = 0;

  // Walks, each over a consistent snapshot, by ascending key from `first` on; stop early when `visit` returns false.
  // Spans are valid during the call only. DATA_LOSS on a record that cannot be read.
  virtual absl::Status ForEachItem(uint64_t first_item_id,
                                   const std::function<bool(const storage::ItemRecord&)>& visit) const = 0;
  virtual absl::Status ForEachPart(uint64_t first_part_id,
                                   const std::function<bool(const storage::PartRecord&)>& visit) const = 0;
  virtual absl::Status ForEachFeatures(int slot, uint64_t first_part_id,
                                       const std::function<bool(uint64_t part_id, absl::Span<const float>)>& visit) const = 0;
  virtual absl::Status ForEachTrunkFeatures(uint64_t trunk, uint64_t first_part_id,
                                            const std::function<bool(uint64_t part_id, absl::Span<const float>)>& visit) const = 0;
  virtual absl::Status ForEachTokens(uint64_t first_part_id,
                                     const std::function<bool(uint64_t part_id, absl::Span<const uint8_t>)>& visit) const = 0;
  virtual absl::Status ForEachEvent(absl::string_view first_event_id,
                                    const std::function<bool(const storage::EventRecord&)>& visit) const = 0;
  virtual absl::Status ForEachUpload(
      const std::function<bool(const std::string& request_id, const storage::UploadRecord&)>& visit) const = 0;
  virtual absl::Status ForEachOperation(const std::function<bool(const storage::OperationRecord&)>& visit) const = 0;
  virtual absl::Status ForEachLearning(const std::function<bool(const std::string& event_id)>& visit) const = 0;
  virtual absl::Status ForEachContentId(const std::function<bool(uint64_t content_id)>& visit) const = 0;

  // Content is written before the batch that makes it part of an item: chunks in order, not synced. A content id that no
  // item and no upload names is garbage after a crash; the caller sweeps it with ForEachContentId.
  virtual absl::Status AppendContent(uint64_t content_id, uint64_t offset, absl::string_view chunk) = 0;
  // Calls `visit` with pieces of [offset, offset + length) in order, cut at the content's end; stops on false.
  virtual absl::Status ReadContent(uint64_t content_id, uint64_t offset, uint64_t length,
                                   const std::function<bool(absl::string_view piece)>& visit) const = 0;

  // Bytes on disk.
  virtual absl::StatusOr<uint64_t> DiskBytes() const = 0;

  // How the storage engine does, by name, e.g. "memtable_bytes"; for monitoring. Cheap: nothing is walked.
  virtual std::map<std::string, double> Properties() const = 0;
};

}  // namespace mixmatch::index

#endif  // MIXMATCH_INDEX_STORE_STORE_H_
