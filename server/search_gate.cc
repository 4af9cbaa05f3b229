#include "server/search_gate.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "server/rpc/retry_after.h"

namespace mixmatch::server {
namespace {

constexpr absl::Duration kLook = absl::Milliseconds(20);  // How soon a waiting call sees that it was cancelled.
constexpr double kNewestWeight = 1.0 / 32;
constexpr double kTurnsOfASearch = 3.0;  // It describes, encodes and searches, each in a turn.

}  // namespace

absl::StatusOr<SearchGate::Admission> SearchGate::Admit() {
  absl::MutexLock lock(&mutex_);
  if (admitted_ < threads_ + most_waiting_) {
    ++admitted_;
    return Admission(this);
  }
  ++refused_;
  const double wait_ms = mean_turn_ms_ * kTurnsOfASearch * admitted_ / threads_;
  const int64_t retry_ms = static_cast<int64_t>(std::clamp(wait_ms, 10.0, 2000.0));
  return TryAgainAfter(
      absl::Milliseconds(retry_ms),
      absl::StrCat("server: ", most_waiting_, " searches are waiting already; try again in ", retry_ms, " ms"));
}

absl::StatusOr<SearchGate::Turn> SearchGate::Enter(const SearchCall& call) {
  if (absl::Status status = call.Check(); !status.ok()) return status;
  absl::MutexLock lock(&mutex_);
  if (turns_ < threads_ && queue_.empty()) {
    ++turns_;
    return Turn(this);
  }
  Waiter waiter;
  const auto place = queue_.insert(queue_.end(), &waiter);
  while (!waiter.has_turn) {
    waiter.granted.WaitWithDeadline(&mutex_, std::min(call.deadline, absl::Now() + kLook));
    if (waiter.has_turn) break;
    mutex_.Unlock();
    const absl::Status status = call.Check();
    mutex_.Lock();
    if (status.ok()) continue;
    if (waiter.has_turn) {  // Just now.
      --turns_;
      PassTurn();
    } else {
      queue_.erase(place);
    }
    return status;
  }
  return Turn(this);
}

void SearchGate::PassTurn() {
  while (turns_ < threads_ && !queue_.empty()) {
    Waiter* const next = queue_.front();
    queue_.pop_front();
    ++turns_;
    next->has_turn = true;
    next->granted.Signal();
  }
}

void SearchGate::EndTurn(absl::Duration held) {
  absl::MutexLock lock(&mutex_);
  mean_turn_ms_ += kNewestWeight * (absl::ToDoubleMilliseconds(held) - mean_turn_ms_);
  --turns_;
  PassTurn();
}

void SearchGate::Leave() {
  absl::MutexLock lock(&mutex_);
  --admitted_;
}

int SearchGate::admitted() const {
  absl::MutexLock lock(&mutex_);
  return admitted_;
}

int SearchGate::waiting() const {
  absl::MutexLock lock(&mutex_);
  return std::max(0, admitted_ - turns_);
}

uint64_t SearchGate::refused() const {
  absl::MutexLock lock(&mutex_);
  return refused_;
}

}  // namespace mixmatch::server
