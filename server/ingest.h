// From the bytes of an upload to a durable, searchable item.
#ifndef MIXMATCH_SERVER_INGEST_H_
#define MIXMATCH_SERVER_INGEST_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "index/store/store.h"
#include "mixmatch/v1/item_service.pb.h"
#include "model/media/media_decoder.h"
#include "server/catalog.h"
#include "server/event_book.h"
#include "server/ingest_costs.h"
#include "server/item_cutter.h"
#include "server/learner.h"
#include "server/live_index.h"
#include "server/options.h"
#include "server/telemetry/stage_times.h"
#include "server/worker_pool.h"

namespace mixmatch::server {

// Thread-safe. One Upload object an upload under way.
class Ingest {
 public:
  Ingest(const ServerOptions& options, index::Store& store, Catalog& catalog, LiveIndex& live, Learner& learner,
         EventBook& events, model::MediaDecoder& decoder);

  // Forgets expired uploads, and content that belongs to nothing. Call once, before uploads.
  absl::Status Sweep();

  // The item that answered this request id before, if it did. INVALID_ARGUMENT if it was a link's.
  absl::StatusOr<std::shared_ptr<const ItemRecord>> Answered(const std::string& request_id) const;

  // Bytes that have come of an unfinished upload, also while it is under way. NOT_FOUND if there is none.
  absl::StatusOr<uint64_t> ReceivedBytes(const std::string& request_id);

  class Upload {
   public:
    ~Upload();  // Keeps what can be resumed, drops the rest.
    // RESOURCE_EXHAUSTED beyond --max-upload-bytes.
    absl::Status Append(absl::string_view chunk);
    // Checks the hash, decodes, encodes and commits. `sha256` may be empty.
    absl::StatusOr<v1::Item> Finish(absl::string_view sha256);

   private:
    friend class Ingest;
    Upload(Ingest& ingest, v1::UploadHeader header, std::string principal)
        : ingest_(ingest), header_(std::move(header)), principal_(std::move(principal)) {}
    absl::Status Flush();
    // Adds how far the upload came to `batch`.
    void PutProgress(index::StoreBatch& batch) const;
    absl::StatusOr<v1::Item> DecodeAndCommit(const std::string& digest);
    Ingest& ingest_;
    const v1::UploadHeader header_;
    const std::string principal_;
    uint64_t content_id_ = 0;
    uint64_t received_ = 0;   // All bytes, of them
    std::string pending_;     // these are not in the store yet.
    uint64_t noted_ = 0;      // received_ when the upload record was last written.
    bool finished_ = false;   // Nothing is left to resume.
  };

  // ABORTED, OUT_OF_RANGE, INVALID_ARGUMENT: see ItemService.Upload. `principal` is on whose behalf.
  absl::StatusOr<std::unique_ptr<Upload>> Begin(const v1::UploadHeader& header,
                                                const std::string& principal = kLocalPrincipal);

  // Decodes content into parts, for uploads and queries. `content` is the whole of it.
  absl::StatusOr<model::DecodedMedia> Decode(int fd, const std::string& hint) { return decoder_.Decode(fd, hint); }

  // As stored, for another pass over an item's content. NOT_FOUND if the item is gone.
  absl::Status CutStored(const ItemRecord& record, PartEncoder& parts);

  // A place for content that nothing else uses.
  uint64_t NextContentId() { return next_content_id_.fetch_add(1); }

  uint64_t uploads() const { return uploads_; }
  const IngestCosts& costs() const { return costs_; }
  size_t waiting() const { return pool_.waiting(); }  // Uploads that came whole and have no thread yet.
  const StageTimes& stages() const { return stages_; }

 private:
  const ServerOptions options_;
  index::Store& store_;
  Catalog& catalog_;
  LiveIndex& live_;
  Learner& learner_;
  EventBook& events_;
  model::MediaDecoder& decoder_;
  WorkerPool pool_;
  std::atomic<uint64_t> next_content_id_{1};
  std::atomic<uint64_t> uploads_{0};
  IngestCosts costs_;
  StageTimes stages_;
  absl::Mutex mutex_;
  // Uploads under way: by request id, the bytes that have come.
  absl::flat_hash_map<std::string, uint64_t> active_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_INGEST_H_
