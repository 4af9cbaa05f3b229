// How long a decoding may go on: some time for the item, and one second more for each second of media that it gave.
#ifndef MIXMATCH_MODEL_MEDIA_PATIENCE_H_
#define MIXMATCH_MODEL_MEDIA_PATIENCE_H_

#include <algorithm>
#include <functional>
#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace mixmatch::model {

// Not thread-safe.
class Patience {
 public:
  using AllowCpu = std::function<void(double seconds)>;  // From the beginning of the item, in all.

  // A fixed end.
  explicit Patience(absl::Time deadline) : deadline_(deadline) {}
  // `wall_seconds` and `cpu_seconds` for an item that gives nothing; `allow_cpu` is called at once and as it grows.
  Patience(double wall_seconds, double cpu_seconds, AllowCpu allow_cpu)
      : deadline_(absl::Now() + absl::Seconds(wall_seconds)),
        cpu_seconds_(cpu_seconds),
        grows_(true),
        allow_cpu_(std::move(allow_cpu)) {
    allow_cpu_(cpu_seconds_);
  }
  // A live stream: `idle_seconds` from one record to the next; CPU time as above.
  static Patience Live(double idle_seconds, double cpu_seconds, AllowCpu allow_cpu) {
    Patience patience(idle_seconds, cpu_seconds, std::move(allow_cpu));
    patience.idle_seconds_ = idle_seconds;
    return patience;
  }

  // Of the next byte.
  absl::Time deadline() const { return deadline_; }

  // So much media was given so far.
  void Advance(double media_seconds) {
    if (idle_seconds_ > 0.0) deadline_ = absl::Now() + absl::Seconds(idle_seconds_);
    if (!grows_ || media_seconds < media_seconds_ + kStepSeconds) return;
    if (idle_seconds_ <= 0.0) deadline_ += absl::Seconds(media_seconds - media_seconds_);
    media_seconds_ = media_seconds;
    allow_cpu_(cpu_seconds_ + media_seconds_);
  }

  // Nobody waited for the worker meanwhile.
  void Excuse(absl::Duration time) { deadline_ += grows_ ? time : absl::ZeroDuration(); }

 private:
  static constexpr double kStepSeconds = 10.0;

  absl::Time deadline_;
  double cpu_seconds_ = 0.0;
  double idle_seconds_ = 0.0;
  double media_seconds_ = 0.0;
  bool grows_ = false;
  AllowCpu allow_cpu_;
};

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_PATIENCE_H_
