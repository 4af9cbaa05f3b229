// Encodes the contents of searches that wait at the same moment in one call of the trunk.
#ifndef MIXMATCH_SERVER_ENCODE_BATCHER_H_
#define MIXMATCH_SERVER_ENCODE_BATCHER_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "server/encoder.h"
#include "server/live_index.h"
#include "server/search_call.h"
#include "server/search_gate.h"

namespace mixmatch::server {

// Thread-safe. A search that comes alone is encoded at once, on its own thread. While all turns are taken, searches
// gather; whoever gets a turn encodes its share of all that gathered.
class EncodeBatcher {
 public:
  // `window`: a search waits so long for company before it asks for a turn; 0 where gathering behind others is enough.
  EncodeBatcher(SearchGate& gate, absl::Duration window) : gate_(gate), window_(window) {}

  // Fills `parts` as Encoder::EncodeAll of `serving` does. The caller must not hold a turn. CANCELLED,
  // DEADLINE_EXCEEDED: the call ended before; others encoded with it are not disturbed.
  absl::Status Encode(const std::shared_ptr<const Serving>& serving, absl::Span<EncodedPart> parts,
                      const SearchCall& call);

  // Calls of the trunk, and what they encoded, since the start.
  uint64_t batches() const { return batches_; }
  uint64_t encoded() const { return encoded_; }

 private:
  struct Job {
    const Serving* serving = nullptr;
    absl::Span<EncodedPart> parts;
    bool taken = false;
    bool done = false;
    absl::CondVar finished;
    absl::Status status;
  };
  // With a turn: encodes `own` and others that wait for the same generation.
  void Lead(Job& own);

  SearchGate& gate_;
  const absl::Duration window_;
  absl::Mutex mutex_;
  std::deque<Job*> pending_ ABSL_GUARDED_BY(mutex_);  // Not taken yet, in order of arrival.
  std::atomic<uint64_t> batches_{0}, encoded_{0};
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_ENCODE_BATCHER_H_
