// Sounds and videos that are stored and searched while they are made.
#ifndef MIXMATCH_SERVER_LIVE_INGEST_H_
#define MIXMATCH_SERVER_LIVE_INGEST_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "index/store/store.h"
#include "mixmatch/v1/item_service.pb.h"
#include "model/media/media_decoder.h"
#include "server/catalog.h"
#include "server/event_book.h"
#include "server/ingest.h"
#include "server/learner.h"
#include "server/live_index.h"
#include "server/options.h"

namespace mixmatch::server {

// One stream: bytes in, parts out. Append and End are called by one thread, its caller; what becomes searchable is told
// on a thread of its own.
class LiveStream {
 public:
  // Ends it as cut, if it has not ended.
  virtual ~LiveStream() = default;

  // Takes the next bytes; waits while decoding is behind. Not OK when the stream has been ended from this side: the
  // reason, which End() gives too. RESOURCE_EXHAUSTED beyond --max-live-bytes.
  virtual absl::Status Append(absl::string_view chunk) = 0;

  // No bytes come any more. Waits until all that came is decoded and stored, and gives the item as it stays. `whole`: the
  // client said so; else the item is LIVE_STATE_CUT. NOT OK: why it ended before; what was told is there nevertheless.
  virtual absl::StatusOr<v1::Item> End(bool whole) = 0;
};

// Thread-safe.
class LiveIngest {
 public:
  LiveIngest(const ServerOptions& options, index::Store& store, Catalog& catalog, LiveIndex& live, Learner& learner,
             EventBook& events, Ingest& ingest, model::MediaDecoder& decoder);

  // Items whose streams ended with the server before this one become LIVE_STATE_CUT. Once, before streams.
  absl::Status Recover();

  // Hears each answer, the last being the item as it stays.
  using Tell = std::function<void(const v1::LiveResponse& response)>;
  // Called when the stream has ended on its own account and its caller should stop waiting for bytes.
  using Hurry = std::function<void()>;

  // RESOURCE_EXHAUSTED beyond --max-live-streams; INVALID_ARGUMENT for a bad header.
  absl::StatusOr<std::unique_ptr<LiveStream>> Begin(const v1::UploadHeader& header, const std::string& principal,
                                                    Tell tell, Hurry hurry);

  int streams() const;  // Under way.

 private:
  class Stream;

  const ServerOptions options_;
  index::Store& store_;
  Catalog& catalog_;
  LiveIndex& live_;
  Learner& learner_;
  EventBook& events_;
  Ingest& ingest_;
  model::MediaDecoder& decoder_;
  mutable absl::Mutex mutex_;
  int streams_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_LIVE_INGEST_H_
