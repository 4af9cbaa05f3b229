#include "server/ingest.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "google/protobuf/util/time_util.h"
#include "model/parts/parts.h"
#include "proto/base/sha256.h"
#include "proto/base/status_macros.h"
#include "server/log.h"
#include "server/spool.h"
#include "server/validation.h"

namespace mixmatch::server {
namespace {

using google::protobuf::util::TimeUtil;

constexpr size_t kFlushBytes = 1 << 20;       // Content goes to the store in pieces of this size.
constexpr uint64_t kNoteBytes = 4 << 20;      // An upload's progress is written this often.
constexpr int kNiceness = 5;

class Stopwatch {
 public:
  // Seconds since the last lap.
  double Lap() {
    const absl::Time now = absl::Now();
    const double seconds = absl::ToDoubleSeconds(now - last_);
    last_ = now;
    return seconds;
  }

 private:
  absl::Time last_ = absl::Now();
};

absl::StatusOr<Spool> SpoolContent(const index::Store& store, const std::string& directory, uint64_t content_id,
                                   uint64_t size, Sha256* hash) {
  MIXMATCH_ASSIGN_OR_RETURN(Spool spool, Spool::Create(directory, static_cast<int64_t>(size)));
  absl::Status written;
  MIXMATCH_RETURN_IF_ERROR(store.ReadContent(content_id, 0, size, [&](absl::string_view piece) {
    if (hash != nullptr) hash->Update(piece);
    written = spool.Append(piece);
    return written.ok();
  }));
  MIXMATCH_RETURN_IF_ERROR(written);
  return spool;
}

}  // namespace

Ingest::Ingest(const ServerOptions& options, index::Store& store, Catalog& catalog, LiveIndex& live, Learner& learner,
               EventBook& events, model::MediaDecoder& decoder)
    : options_(options),
      store_(store),
      catalog_(catalog),
      live_(live),
      learner_(learner),
      events_(events),
      decoder_(decoder),
      pool_(options.limits.ingest_threads, options.limits.ingest_queue, kNiceness) {}

absl::Status Ingest::Sweep() {
  absl::flat_hash_set<uint64_t> used;
  uint64_t largest = 0;
  const int64_t oldest = absl::ToUnixSeconds(absl::Now()) - options_.limits.upload_expiry_seconds;
  std::unique_ptr<index::StoreBatch> batch = store_.NewBatch();
  MIXMATCH_RETURN_IF_ERROR(store_.ForEachUpload([&](const std::string& id, const storage::v1::UploadRecord& record) {
    if (record.touched_seconds() < oldest) {
      batch->DeleteUpload(id);
    } else {
      used.insert(record.content_id());
    }
    return true;
  }));
  for (const auto& record : catalog_.From(0, SIZE_MAX)) used.insert(record->content_id());
  MIXMATCH_RETURN_IF_ERROR(store_.ForEachContentId([&](uint64_t content_id) {
    if (!used.contains(content_id)) batch->DeleteContent(content_id);
    largest = std::max(largest, content_id);
    return true;
  }));
  for (uint64_t content_id : used) largest = std::max(largest, content_id);
  next_content_id_ = largest + 1;
  return store_.Commit(std::move(batch), /*sync=*/false);
}

absl::StatusOr<std::shared_ptr<const ItemRecord>> Ingest::Answered(const std::string& request_id) const {
  if (request_id.empty()) return nullptr;
  const auto known = store_.GetRequest(request_id);
  if (absl::IsNotFound(known.status())) return nullptr;
  MIXMATCH_RETURN_IF_ERROR(known.status());
  if (known->item_id() == 0) return absl::InvalidArgumentError("request_id: was used by a link; choose another");
  std::shared_ptr<const ItemRecord> record = catalog_.Get(known->item_id());
  if (record == nullptr) {
    return absl::NotFoundError(absl::StrCat("request_id: its item ", known->item_id(),
                                            " was deleted; upload with another request id"));
  }
  return record;
}

absl::StatusOr<uint64_t> Ingest::ReceivedBytes(const std::string& request_id) {
  {
    absl::MutexLock lock(&mutex_);
    const auto active = active_.find(request_id);
    if (active != active_.end()) return active->second;
  }
  MIXMATCH_ASSIGN_OR_RETURN(const storage::v1::UploadRecord record, store_.GetUpload(request_id));
  return record.received_bytes();
}

absl::StatusOr<std::unique_ptr<Ingest::Upload>> Ingest::Begin(const v1::UploadHeader& header,
                                                              const std::string& principal) {
  MIXMATCH_RETURN_IF_ERROR(CheckHeader(header));
  learner_.NoteUpload();
  const std::string& id = header.request_id();
  if (!id.empty()) {
    absl::MutexLock lock(&mutex_);
    if (!active_.try_emplace(id, header.resume_offset()).second) {
      return absl::AbortedError("header.request_id: another upload with it is under way; wait for it, or end it");
    }
  }
  // From here on the destructor takes the id out again.
  std::unique_ptr<Upload> upload(new Upload(*this, header, principal));
  uint64_t received = 0;
  if (!id.empty()) {
    auto known = store_.GetUpload(id);
    if (known.ok() && header.resume_offset() > 0) {
      received = known->received_bytes();
      upload->content_id_ = known->content_id();
    } else if (known.ok()) {
      std::unique_ptr<index::StoreBatch> batch = store_.NewBatch();
      batch->DeleteContent(known->content_id());
      batch->DeleteUpload(id);
      MIXMATCH_RETURN_IF_ERROR(store_.Commit(std::move(batch), /*sync=*/false));
    } else if (!absl::IsNotFound(known.status())) {
      return known.status();
    }
  }
  upload->received_ = upload->noted_ = received;
  if (header.resume_offset() != received) {
    return absl::OutOfRangeError(absl::StrCat("header.resume_offset: got ", header.resume_offset(), ", the server has ",
                                              received, " bytes; go on from there, or from 0"));
  }
  if (upload->content_id_ == 0) upload->content_id_ = next_content_id_.fetch_add(1);
  return upload;
}

Ingest::Upload::~Upload() {
  std::unique_ptr<index::StoreBatch> batch = ingest_.store_.NewBatch();
  const bool keep = !finished_ && !header_.request_id().empty() && received_ > 0 && Flush().ok();
  if (keep) {
    PutProgress(*batch);
  } else if (!finished_ && content_id_ != 0) {
    batch->DeleteContent(content_id_);
  }
  const absl::Status status = ingest_.store_.Commit(std::move(batch), /*sync=*/keep);
  if (!status.ok()) Log::Warn("an interrupted upload could not be put away: {}", status.ToString());
  absl::MutexLock lock(&ingest_.mutex_);
  ingest_.active_.erase(header_.request_id());
}

absl::Status Ingest::Upload::Append(absl::string_view chunk) {
  if (received_ + chunk.size() > static_cast<uint64_t>(ingest_.options_.limits.max_upload_bytes)) {
    return absl::ResourceExhaustedError(absl::StrCat("content: larger than ", ingest_.options_.limits.max_upload_bytes,
                                                     " bytes; raise the server's --max-upload-bytes"));
  }
  received_ += chunk.size();
  if (!header_.request_id().empty()) {
    absl::MutexLock lock(&ingest_.mutex_);
    ingest_.active_[header_.request_id()] = received_;
  }
  pending_.append(chunk.data(), chunk.size());
  if (pending_.size() < kFlushBytes) return absl::OkStatus();
  ingest_.learner_.NoteUpload();
  MIXMATCH_RETURN_IF_ERROR(Flush());
  if (header_.request_id().empty() || received_ - noted_ < kNoteBytes) return absl::OkStatus();
  noted_ = received_;
  std::unique_ptr<index::StoreBatch> batch = ingest_.store_.NewBatch();
  PutProgress(*batch);
  return ingest_.store_.Commit(std::move(batch), /*sync=*/false);
}

void Ingest::Upload::PutProgress(index::StoreBatch& batch) const {
  storage::v1::UploadRecord record;
  record.set_content_id(content_id_);
  record.set_received_bytes(received_);
  record.set_touched_seconds(absl::ToUnixSeconds(absl::Now()));
  batch.PutUpload(header_.request_id(), record);
}

absl::Status Ingest::Upload::Flush() {
  if (pending_.empty()) return absl::OkStatus();
  MIXMATCH_RETURN_IF_ERROR(ingest_.store_.AppendContent(content_id_, received_ - pending_.size(), pending_));
  pending_.clear();
  return absl::OkStatus();
}

absl::StatusOr<v1::Item> Ingest::Upload::Finish(absl::string_view sha256) {
  if (!sha256.empty() && sha256.size() != 32) {
    return absl::InvalidArgumentError(absl::StrCat("finish.sha256: got ", sha256.size(), " bytes, wanted 32 or none"));
  }
  absl::StatusOr<v1::Item> item;
  bool started = false;
  StageClock waiting(ingest_.stages_);
  const absl::Status ran = ingest_.pool_.Run([&] {
    started = true;
    waiting.Lap(Stage::kWait);
    item = DecodeAndCommit(std::string(sha256));
    return item.status();
  });
  // What found no place in the queue can be tried again with what is there; anything else ends the upload.
  if (started) {
    if (!ran.ok()) {
      std::unique_ptr<index::StoreBatch> batch = ingest_.store_.NewBatch();
      batch->DeleteContent(content_id_);
      if (!header_.request_id().empty()) batch->DeleteUpload(header_.request_id());
      const absl::Status dropped = ingest_.store_.Commit(std::move(batch), /*sync=*/false);
      if (!dropped.ok()) Log::Warn("refused content could not be dropped: {}", dropped.ToString());
    }
    finished_ = true;
  }
  MIXMATCH_RETURN_IF_ERROR(ran);
  return item;
}

absl::StatusOr<v1::Item> Ingest::Upload::DecodeAndCommit(const std::string& wanted) {
  if (received_ == 0) return absl::InvalidArgumentError("content: got 0 bytes, wanted at least 1");
  MIXMATCH_RETURN_IF_ERROR(Flush());
  Stopwatch stopwatch;
  v1::IngestStats cost;
  Sha256 hash;
  MIXMATCH_ASSIGN_OR_RETURN(const Spool spool, SpoolContent(ingest_.store_, ingest_.options_.data_dir, content_id_,
                                                            received_, &hash));
  const std::string digest = hash.Finish();
  if (!wanted.empty() && wanted != digest) {
    return absl::InvalidArgumentError(absl::StrCat("finish.sha256: got ", absl::BytesToHexString(wanted),
                                                   ", the content has ", absl::BytesToHexString(digest),
                                                   "; send it again"));
  }
  cost.set_store_seconds(stopwatch.Lap());
  PartEncoder made(ingest_.live_);
  MIXMATCH_ASSIGN_OR_RETURN(const CutItem cut, Cut(ingest_.decoder_, spool.fd(), header_.media_type(), made));
  const model::DecodedMedia& media = cut.media;
  cost.set_decode_seconds(cut.decode_seconds);
  cost.set_describe_seconds(cut.describe_seconds);
  cost.set_encode_seconds(made.seconds());
  stopwatch.Lap();

  const uint64_t item_id = ingest_.events_.NextItemId();
  storage::v1::ItemRecord record;
  record.set_content_id(content_id_);
  record.set_request_id(header_.request_id());
  record.set_principal(principal_);
  v1::Item& item = *record.mutable_item();
  item.set_item_id(item_id);
  item.set_media_type(media.media_type);
  item.set_modality(media.modality);
  item.set_name(header_.name());
  *item.mutable_metadata() = header_.metadata();
  item.set_source(header_.source());
  if (header_.has_observed_time()) {
    *item.mutable_observed_time() = header_.observed_time();
  } else if (media.observed_unix_seconds != 0.0) {
    *item.mutable_observed_time() =
        TimeUtil::MicrosecondsToTimestamp(static_cast<int64_t>(media.observed_unix_seconds * 1e6));
  }
  if (header_.has_observed_duration()) {
    *item.mutable_duration() = header_.observed_duration();
  } else if (media.duration_seconds > 0.0) {
    *item.mutable_duration() = TimeUtil::MicrosecondsToDuration(static_cast<int64_t>(media.duration_seconds * 1e6));
  }
  if (header_.has_location()) *item.mutable_location() = header_.location();
  item.set_size_bytes(received_);
  item.set_sha256(digest);
  *item.mutable_created_time() = TimeUtil::GetCurrentTime();
  if (!header_.event_id().empty()) item.add_event_ids(header_.event_id());
  item.set_part_count(static_cast<uint32_t>(made.size()));
  record.set_words_parts(static_cast<uint32_t>(made.words()));

  std::vector<v1::Part> parts;
  std::vector<EncodedPart> encoded;
  made.Take(item_id, 0, &parts, &encoded);
  const auto commit = [&](const Serving& current, absl::Span<const EncodedPart> ready) {
    std::unique_ptr<index::StoreBatch> batch = ingest_.store_.NewBatch();
    batch->PutItem(record);
    PutParts(current, ready, parts, *batch);
    if (!header_.request_id().empty()) {
      storage::v1::RequestRecord answered;
      answered.set_item_id(item_id);
      batch->PutRequest(header_.request_id(), answered);
      batch->DeleteUpload(header_.request_id());
    }
    return ingest_.events_.AddNewItem(record, parts, std::move(batch));
  };
  MIXMATCH_RETURN_IF_ERROR(ingest_.live_.Add(std::move(encoded), made.generation(), commit));
  ingest_.learner_.NoteUpload();
  ++ingest_.uploads_;
  cost.set_store_seconds(cost.store_seconds() + stopwatch.Lap());
  cost.set_modality(media.modality);
  cost.set_bytes(received_);
  cost.set_parts(parts.size());
  ingest_.costs_.Add(cost);
  ingest_.stages_.Add(Stage::kDecode, absl::Seconds(cost.decode_seconds()));
  ingest_.stages_.Add(Stage::kDescribe, absl::Seconds(cost.describe_seconds()));
  ingest_.stages_.Add(Stage::kEncode, absl::Seconds(cost.encode_seconds()));
  ingest_.stages_.Add(Stage::kStore, absl::Seconds(cost.store_seconds()));
  return item;
}

absl::Status Ingest::CutStored(const ItemRecord& record, PartEncoder& parts) {
  MIXMATCH_ASSIGN_OR_RETURN(const Spool spool, SpoolContent(store_, options_.data_dir, record.content_id(),
                                                            record.item().size_bytes(), nullptr));
  return Cut(decoder_, spool.fd(), "", parts).status();
}

}  // namespace mixmatch::server
