#include "server/overload/drain.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace mixmatch::server {
namespace {

constexpr absl::Duration kLook = absl::Milliseconds(5);

}  // namespace

bool Drain::BeginWrite() {
  // Counted first: whoever begins to drain after the look at the flag sees it in the count.
  ++writes_;
  if (!draining_) return true;
  --writes_;
  return false;
}

absl::Status Drain::Begin(absl::Time deadline, const std::function<bool()>& cancelled) {
  Set(true);
  while (writes_ > 0) {
    if (cancelled()) return absl::CancelledError("drain: the call ended; writes stay refused");
    if (absl::Now() >= deadline) {
      return absl::DeadlineExceededError(absl::StrCat("drain: ", writes_.load(),
                                                      " writes are still under way; new ones are refused, drain again to "
                                                      "wait for them"));
    }
    absl::SleepFor(kLook);
  }
  return absl::OkStatus();
}

void Drain::OnChange(std::function<void(bool)> tell) {
  absl::MutexLock lock(&telling_);
  tell_ = std::move(tell);
}

void Drain::Set(bool draining) {
  absl::MutexLock lock(&telling_);
  if (draining_.exchange(draining) != draining && tell_) tell_(draining);
}

}  // namespace mixmatch::server
