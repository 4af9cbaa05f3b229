#include "server/live_ingest.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "google/protobuf/util/time_util.h"
#include "model/parts/timed_parts.h"
#include "proto/base/sha256.h"
#include "proto/base/status_macros.h"
#include "server/item_cutter.h"
#include "server/log.h"
#include "server/part_slot.h"
#include "server/validation.h"

namespace mixmatch::server {
namespace {

using google::protobuf::util::TimeUtil;

constexpr size_t kFlushBytes = 256 << 10;  // Content goes to the store in pieces of this size, and before each part.
constexpr int kPipeBytes = 256 << 10;      // Between the server and the decoder.
constexpr absl::Duration kGrace = absl::Seconds(5);  // For a client to close a stream that the server has ended.
constexpr double kRelearnGrowth = 1.25;    // Its event is learned again when it has so many times the parts.

}  // namespace

class LiveIngest::Stream final : public LiveStream {
 public:
  Stream(LiveIngest& owner, v1::UploadHeader header, std::string principal, Tell tell, Hurry hurry)
      : owner_(owner),
        header_(std::move(header)),
        principal_(std::move(principal)),
        tell_(std::move(tell)),
        hurry_(std::move(hurry)),
        content_id_(owner.ingest_.NextContentId()) {}

  ~Stream() override {
    if (thread_.joinable()) End(/*whole=*/false).IgnoreError();
    for (int end : pipe_) {
      if (end >= 0) close(end);
    }
    absl::MutexLock lock(&owner_.mutex_);
    --owner_.streams_;
  }

  absl::Status Start() {
    if (pipe2(pipe_, O_CLOEXEC) != 0) return absl::InternalError("live: cannot make a pipe");
    fcntl(pipe_[1], F_SETFL, O_NONBLOCK);
    fcntl(pipe_[1], F_SETPIPE_SZ, kPipeBytes);
    thread_ = std::thread([this] { Run(); });
    return absl::OkStatus();
  }

  absl::Status Append(absl::string_view chunk) override {
    owner_.learner_.NoteUpload();
    if (received_ + chunk.size() > static_cast<uint64_t>(owner_.options_.live.max_bytes)) {
      return Refuse(absl::ResourceExhaustedError(absl::StrCat("live: more than ", owner_.options_.live.max_bytes,
                                                              " bytes; raise the server's --max-live-bytes")));
    }
    received_ += chunk.size();
    {
      absl::MutexLock lock(&mutex_);
      if (ended_) return end_.ok() ? absl::OutOfRangeError("live: the stream had ended") : end_;
      pending_.append(chunk.data(), chunk.size());
      if (pending_.size() >= kFlushBytes) MIXMATCH_RETURN_IF_ERROR(Flush());
    }
    while (!chunk.empty()) {
      const ssize_t put = write(pipe_[1], chunk.data(), chunk.size());
      if (put > 0) {
        chunk.remove_prefix(put);
        continue;
      }
      if (put < 0 && errno == EINTR) continue;
      if (put < 0 && errno != EAGAIN) break;  // Nobody reads: the reason comes with End().
      pollfd ready = {pipe_[1], POLLOUT, 0};
      poll(&ready, 1, -1);
    }
    absl::MutexLock lock(&mutex_);
    if (!chunk.empty()) mutex_.Await(absl::Condition(&ended_));
    return ended_ && !end_.ok() ? end_ : absl::OkStatus();
  }

  absl::StatusOr<v1::Item> End(bool whole) override {
    {
      absl::MutexLock lock(&mutex_);
      whole_ = whole && refusal_.ok();
      closing_ = true;
    }
    if (pipe_[1] >= 0) close(std::exchange(pipe_[1], -1));
    if (thread_.joinable()) thread_.join();
    absl::MutexLock lock(&mutex_);
    if (!refusal_.ok()) return refusal_;
    MIXMATCH_RETURN_IF_ERROR(end_);
    return item_;
  }

 private:
  absl::Status Refuse(absl::Status status) {
    absl::MutexLock lock(&mutex_);
    if (refusal_.ok()) refusal_ = status;
    return status;
  }

  // On a thread of its own, until the pipe ends or the decoder fails.
  void Run() {
    model::TimedPartMaker maker([this](model::PartDraft draft) { return Store(std::move(draft)); });
    maker_ = &maker;
    absl::StatusOr<model::DecodedMedia> media = owner_.decoder_.DecodeLive(pipe_[0], header_.media_type(), maker);
    close(std::exchange(pipe_[0], -1));  // A writer that waits learns of it.
    absl::Status status = media.status();
    const double seconds = media.ok() ? media->duration_seconds : maker.seconds();
    // What was still open is as sound as the rest.
    if (maker.begun() && !absl::IsNotFound(status)) status.Update(maker.Finish(seconds));
    status.Update(Conclude(seconds, status));
    absl::MutexLock lock(&mutex_);
    end_ = status;
    ended_ = true;
    // The client has been told, and should stop by itself.
    if (mutex_.AwaitWithTimeout(absl::Condition(&closing_), kGrace)) return;
    hurry_();
  }

  // Makes a part durable and searchable, and tells of it.
  absl::Status Store(model::PartDraft draft) {
    if (maker_->seconds() > owner_.options_.live.max_seconds) {
      return absl::ResourceExhaustedError(absl::StrCat("live: longer than ", owner_.options_.live.max_seconds,
                                                       " s; raise the server's --max-live-seconds"));
    }
    PartEncoder made(owner_.live_);
    MIXMATCH_RETURN_IF_ERROR(made.Add(std::move(draft)));
    MIXMATCH_RETURN_IF_ERROR(made.Finish());
    const bool first = item_id_ == 0;
    if (first) item_id_ = owner_.events_.NextItemId();
    std::vector<v1::Part> added;
    std::vector<EncodedPart> encoded;
    made.Take(item_id_, parts_.size(), &added, &encoded);
    uint64_t stored;
    {
      absl::MutexLock lock(&mutex_);
      MIXMATCH_RETURN_IF_ERROR(Flush());
      stored = flushed_;
    }
    parts_.push_back(added[0]);
    seconds_ = std::max(seconds_, added[0].end_seconds());
    const bool relearn = first || parts_.size() >= relearn_at_;
    if (relearn) relearn_at_ = std::max<size_t>(parts_.size() + 1, static_cast<size_t>(parts_.size() * kRelearnGrowth));
    const auto commit = [&](const Serving& current, absl::Span<const EncodedPart> ready) {
      std::unique_ptr<index::StoreBatch> batch = owner_.store_.NewBatch();
      PutParts(current, ready, added, *batch);
      parts_.back() = added[0];
      if (first) return owner_.events_.AddNewItem(NewRecord(stored), parts_, std::move(batch));
      return owner_.events_.ExtendItem(
          item_id_, [&](v1::Item& item) { Measure(stored, item); },
          relearn ? absl::MakeConstSpan(parts_) : absl::Span<const v1::Part>(), std::move(batch));
    };
    const absl::Status added_all = owner_.live_.Add(std::move(encoded), made.generation(), commit);
    if (!added_all.ok()) {
      parts_.pop_back();
      if (first) item_id_ = 0;
      return added_all;
    }
    owner_.learner_.NoteUpload();
    Answer(&added[0], absl::OkStatus());
    return absl::OkStatus();
  }

  void Answer(const v1::Part* part, const absl::Status& status) {
    v1::LiveResponse response;
    const auto record = owner_.catalog_.Get(item_id_);
    if (record != nullptr) *response.mutable_item() = record->item();
    if (part != nullptr) *response.add_parts() = *part;
    response.set_cut_reason(std::string(status.message()));
    tell_(response);
  }

  ItemRecord NewRecord(uint64_t stored) const {
    ItemRecord record;
    record.set_content_id(content_id_);
    record.set_principal(principal_);
    v1::Item& item = *record.mutable_item();
    item.set_item_id(item_id_);
    item.set_media_type(maker_->media_type());
    item.set_modality(maker_->modality());
    item.set_name(header_.name());
    *item.mutable_metadata() = header_.metadata();
    item.set_source(header_.source());
    *item.mutable_created_time() = TimeUtil::GetCurrentTime();
    if (header_.has_observed_time()) *item.mutable_observed_time() = header_.observed_time();
    if (header_.has_location()) *item.mutable_location() = header_.location();
    if (!header_.event_id().empty()) item.add_event_ids(header_.event_id());
    item.set_live_state(v1::LIVE_STATE_RUNNING);
    Measure(stored, item);
    return record;
  }

  // How much of it there is by now.
  void Measure(uint64_t stored, v1::Item& item) const {
    item.set_size_bytes(stored);
    item.set_part_count(static_cast<uint32_t>(parts_.size()));
    *item.mutable_duration() = TimeUtil::MicrosecondsToDuration(static_cast<int64_t>(seconds_ * 1e6));
  }

  // The item as it stays; nothing, if there was no part.
  absl::Status Conclude(double seconds, const absl::Status& status) {
    uint64_t stored;
    bool whole;
    {
      absl::MutexLock lock(&mutex_);
      const absl::Status flushed = Flush();
      if (!flushed.ok()) Log::Warn("live: the last bytes could not be stored: {}", flushed.ToString());
      stored = flushed_;
      whole = whole_ && status.ok() && flushed.ok();
    }
    if (item_id_ == 0 || owner_.catalog_.Get(item_id_) == nullptr) {
      MIXMATCH_RETURN_IF_ERROR(Forget());
      if (!status.ok()) Answer(nullptr, status);
      return item_id_ == 0 ? absl::InvalidArgumentError("live: got no part of a sound or video, wanted at least one")
                           : absl::NotFoundError(absl::StrCat("item_id: item ", item_id_, " was deleted"));
    }
    seconds_ = std::max(seconds_, seconds);
    const std::string digest = hash_.Finish();
    MIXMATCH_RETURN_IF_ERROR(owner_.events_.ExtendItem(
        item_id_,
        [&](v1::Item& item) {
          Measure(stored, item);
          item.set_sha256(digest);
          item.set_live_state(whole ? v1::LIVE_STATE_ENDED : v1::LIVE_STATE_CUT);
        },
        parts_, owner_.store_.NewBatch()));
    const auto record = owner_.catalog_.Get(item_id_);
    {
      absl::MutexLock lock(&mutex_);
      if (record != nullptr) item_ = record->item();
    }
    Answer(nullptr, status);
    return absl::OkStatus();
  }

  // Content of no item, and parts that were stored beside a delete.
  absl::Status Forget() {
    std::vector<std::pair<int, uint64_t>> keys;
    for (const v1::Part& part : parts_) {
      keys.emplace_back(SlotOf(part), part.part_id());
    }
    return owner_.live_.Remove(keys, [&] {
      std::unique_ptr<index::StoreBatch> batch = owner_.store_.NewBatch();
      for (const auto& key : keys) batch->DeletePart(key.second);
      batch->DeleteContent(content_id_);
      return owner_.store_.Commit(std::move(batch), /*sync=*/false);
    });
  }

  absl::Status Flush() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (pending_.empty()) return absl::OkStatus();
    MIXMATCH_RETURN_IF_ERROR(owner_.store_.AppendContent(content_id_, flushed_, pending_));
    hash_.Update(pending_);
    flushed_ += pending_.size();
    pending_.clear();
    return absl::OkStatus();
  }

  LiveIngest& owner_;
  const v1::UploadHeader header_;
  const std::string principal_;
  const Tell tell_;
  const Hurry hurry_;
  const uint64_t content_id_;
  int pipe_[2] = {-1, -1};  // The first end is the thread's, the second the caller's.
  uint64_t received_ = 0;   // The caller's.

  // The thread's.
  model::TimedPartMaker* maker_ = nullptr;
  uint64_t item_id_ = 0;
  std::vector<v1::Part> parts_;
  size_t relearn_at_ = 2;
  double seconds_ = 0.0;

  absl::Mutex mutex_;
  Sha256 hash_ ABSL_GUARDED_BY(mutex_);
  std::string pending_ ABSL_GUARDED_BY(mutex_);  // Bytes that are not in the store yet.
  uint64_t flushed_ ABSL_GUARDED_BY(mutex_) = 0;
  bool whole_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status end_ ABSL_GUARDED_BY(mutex_);
  absl::Status refusal_ ABSL_GUARDED_BY(mutex_);
  v1::Item item_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

LiveIngest::LiveIngest(const ServerOptions& options, index::Store& store, Catalog& catalog, LiveIndex& live,
                       Learner& learner, EventBook& events, Ingest& ingest, model::MediaDecoder& decoder)
    : options_(options),
      store_(store),
      catalog_(catalog),
      live_(live),
      learner_(learner),
      events_(events),
      ingest_(ingest),
      decoder_(decoder) {}

absl::Status LiveIngest::Recover() {
  for (const auto& record : catalog_.From(0, SIZE_MAX)) {
    if (record->item().live_state() != v1::LIVE_STATE_RUNNING) continue;
    // All bytes that reached the store, in order; those of the acknowledged parts are among them.
    Sha256 hash;
    uint64_t size = 0;
    MIXMATCH_RETURN_IF_ERROR(store_.ReadContent(record->content_id(), 0, UINT64_MAX, [&](absl::string_view piece) {
      hash.Update(piece);
      size += piece.size();
      return true;
    }));
    const std::string digest = hash.Finish();
    MIXMATCH_ASSIGN_OR_RETURN(const auto stored, store_.GetParts(record->item().item_id()));
    std::vector<v1::Part> parts;
    for (const auto& part : stored) parts.push_back(part.part());
    MIXMATCH_RETURN_IF_ERROR(events_.ExtendItem(
        record->item().item_id(),
        [&](v1::Item& item) {
          item.set_size_bytes(size);
          item.set_sha256(digest);
          item.set_part_count(static_cast<uint32_t>(parts.size()));
          item.set_live_state(v1::LIVE_STATE_CUT);
        },
        parts, store_.NewBatch()));
  }
  return absl::OkStatus();
}

int LiveIngest::streams() const {
  absl::MutexLock lock(&mutex_);
  return streams_;
}

absl::StatusOr<std::unique_ptr<LiveStream>> LiveIngest::Begin(const v1::UploadHeader& header,
                                                              const std::string& principal, Tell tell, Hurry hurry) {
  MIXMATCH_RETURN_IF_ERROR(CheckHeader(header));
  if (header.resume_offset() != 0 || !header.request_id().empty()) {
    return absl::InvalidArgumentError("header: a live stream takes no request_id and no resume_offset");
  }
  {
    absl::MutexLock lock(&mutex_);
    if (streams_ >= options_.live.max_streams) {
      return absl::ResourceExhaustedError(absl::StrCat("live: ", streams_, " streams are under way, wanted at most ",
                                                       options_.live.max_streams,
                                                       "; end one, or raise the server's --max-live-streams"));
    }
    ++streams_;
  }
  auto stream = std::make_unique<Stream>(*this, header, principal, std::move(tell), std::move(hurry));
  MIXMATCH_RETURN_IF_ERROR(stream->Start());
  return stream;
}

}  // namespace mixmatch::server
