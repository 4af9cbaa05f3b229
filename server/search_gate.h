// Lets a few searches compute at once, in order of arrival, and a bounded number wait; the others are refused.
#ifndef MIXMATCH_SERVER_SEARCH_GATE_H_
#define MIXMATCH_SERVER_SEARCH_GATE_H_

#include <cstdint>
#include <list>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/search_call.h"

namespace mixmatch::server {

// Thread-safe. A call is admitted once; of the admitted ones at most `threads` hold a turn at any moment. A turn is
// held while computing, not while waiting for a decoder or for the client.
class SearchGate {
 public:
  SearchGate(int threads, int most_waiting) : threads_(threads), most_waiting_(most_waiting) {}

  // A place in the server, and a turn: each given back by its destructor.
  class Admission {
   public:
    explicit Admission(SearchGate* gate) : gate_(gate) {}
    Admission(Admission&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}
    Admission& operator=(Admission&&) = delete;
    ~Admission() {
      if (gate_ != nullptr) gate_->Leave();
    }

   private:
    SearchGate* gate_;
  };
  class Turn {
   public:
    explicit Turn(SearchGate* gate) : gate_(gate), begin_(absl::Now()) {}
    Turn(Turn&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)), begin_(other.begin_) {}
    Turn& operator=(Turn&&) = delete;
    ~Turn() {
      if (gate_ != nullptr) gate_->EndTurn(absl::Now() - begin_);
    }

   private:
    SearchGate* gate_;
    absl::Time begin_;
  };

  // RESOURCE_EXHAUSTED at once, with RetryAfter, where `threads` + `most_waiting` calls are admitted.
  absl::StatusOr<Admission> Admit();
  // Waits for a turn, the longest waiting first. CANCELLED, DEADLINE_EXCEEDED: the call ended before; a cancelled one
  // is noticed within 20 ms. The caller must not hold a turn.
  absl::StatusOr<Turn> Enter(const SearchCall& call);

  int threads() const { return threads_; }
  int admitted() const;
  int waiting() const;        // Admitted calls without a turn.
  uint64_t refused() const;   // Since the start.

 private:
  struct Waiter {
    absl::CondVar granted;
    bool has_turn = false;
  };
  void Leave();
  void EndTurn(absl::Duration held);
  void PassTurn() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const int threads_;
  const int most_waiting_;
  mutable absl::Mutex mutex_;
  int admitted_ ABSL_GUARDED_BY(mutex_) = 0;
  int turns_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t refused_ ABSL_GUARDED_BY(mutex_) = 0;
  double mean_turn_ms_ ABSL_GUARDED_BY(mutex_) = 1.0;  // Of the last dozens.
  std::list<Waiter*> queue_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_SEARCH_GATE_H_
