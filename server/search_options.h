// How searches share the machine.
#ifndef MIXMATCH_SERVER_SEARCH_OPTIONS_H_
#define MIXMATCH_SERVER_SEARCH_OPTIONS_H_

namespace mixmatch::server {

struct SearchServingOptions {
  int threads = 0;          // --search-threads: that compute at once; 0: one a core.
  int max_waiting = 64;     // --max-searches: calls that may wait for them; beyond it RESOURCE_EXHAUSTED.
  int max_batch = 256;      // --max-batch-queries: searches in one BatchSearch.
  int batch_window_us = 0;  // --batch-window-us: how long a search waits for others to be encoded with.
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_SEARCH_OPTIONS_H_
