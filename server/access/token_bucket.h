// How often something may happen: at a rate, with a burst.
#ifndef MIXMATCH_SERVER_ACCESS_TOKEN_BUCKET_H_
#define MIXMATCH_SERVER_ACCESS_TOKEN_BUCKET_H_

#include <algorithm>

#include "absl/time/time.h"

namespace mixmatch::server {

// Full at first. Not thread-safe.
class TokenBucket {
 public:
  // Until one may be taken at `now`, which does not go back; 0: now.
  absl::Duration Wait(absl::Time now, double per_second, double burst) {
    left_ = last_ == absl::InfinitePast()
                ? burst
                : std::min(burst, left_ + per_second * std::max(0.0, absl::ToDoubleSeconds(now - last_)));
    last_ = now;
    return left_ >= 1.0 ? absl::ZeroDuration() : absl::Seconds((1.0 - left_) / per_second);
  }
  // Takes `count` as of the last Wait, on credit if need be.
  void Take(double count) { left_ -= count; }
  bool IsFull(absl::Time now, double per_second, double burst) const {
    return last_ == absl::InfinitePast() || left_ + per_second * absl::ToDoubleSeconds(now - last_) >= burst;
  }

 private:
  absl::Time last_ = absl::InfinitePast();
  double left_ = 0.0;
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_ACCESS_TOKEN_BUCKET_H_
