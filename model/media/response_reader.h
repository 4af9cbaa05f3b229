// Reads a worker's response and believes none of it unchecked.
#ifndef MIXMATCH_MODEL_MEDIA_RESPONSE_READER_H_
#define MIXMATCH_MODEL_MEDIA_RESPONSE_READER_H_

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "model/media/decoded.h"
#include "model/media/media_decoder.h"
#include "model/media/media_sink.h"
#include "model/media/patience.h"

namespace mixmatch::model {

struct WorkerReply {
  absl::StatusOr<DecodedMedia> media;  // What the item's caller gets.
  bool worker_is_sound = true;         // False: the worker must not be used again.
  bool refused = false;                // `media` is the status with which the sink refused.
};

// Reads one response from `socket`; a sound or video goes to `sink`, whose fields of `media` stay empty. DATA_LOSS, with
// an unsound worker, for whatever breaks the framing or a limit; DEADLINE_EXCEEDED and UNAVAILABLE as in ReadAll.
WorkerReply ReadResponse(int socket, const MediaLimits& limits, Patience* patience, MediaSink* sink);

// The same with everything in `media`.
WorkerReply ReadResponse(int socket, const MediaLimits& limits, absl::Time deadline);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_RESPONSE_READER_H_
