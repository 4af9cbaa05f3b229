// How much of the machine the server may take.
#ifndef MIXMATCH_SERVER_OVERLOAD_OVERLOAD_OPTIONS_H_
#define MIXMATCH_SERVER_OVERLOAD_OVERLOAD_OPTIONS_H_

#include <cstdint>

namespace mixmatch::server {

struct OverloadOptions {
  int64_t max_memory_bytes = 0;        // Server and decoders together; 0: see MostMemory().
  int64_t min_free_bytes = 1LL << 30;  // On the disk of the data: with less, or with less than
  double min_free_share = 0.01;        // this share of it, nothing is written.
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_OVERLOAD_OVERLOAD_OPTIONS_H_
