// One item from its bytes to the records of a response, whatever it is.
#ifndef MIXMATCH_MODEL_MEDIA_WORKER_DECODE_H_
#define MIXMATCH_MODEL_MEDIA_WORKER_DECODE_H_

#include "absl/status/status.h"
#include "model/media/wire.h"
#include "model/media/worker/response_writer.h"

namespace mixmatch::model {

// Takes `fd` over. After OK the response has been ended but not flushed; after an error its records are void. Errors as
// in MediaDecoder::Decode. May throw std::bad_alloc.
absl::Status DecodeContent(int fd, const WireRequest& request, ResponseWriter* writer);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_WORKER_DECODE_H_
