// Bounds of live streams.
#ifndef MIXMATCH_SERVER_LIVE_OPTIONS_H_
#define MIXMATCH_SERVER_LIVE_OPTIONS_H_

#include <cstdint>

namespace mixmatch::server {

struct LiveOptions {
  int max_streams = 4;               // --max-live-streams: at once; each has a decoding process of its own.
  int64_t max_bytes = 64LL << 30;    // --max-live-bytes: of one stream.
  double max_seconds = 12 * 3600.0;  // --max-live-seconds: of one stream, by its own clock.
  double answer_seconds = 30.0;      // --live-answer-seconds: a client that takes no answer for so long is cut off.
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_LIVE_OPTIONS_H_
