// How long the slow learner rests between its steps, so that searches have the machine.
#ifndef MIXMATCH_SERVER_TRAINING_PACE_H_
#define MIXMATCH_SERVER_TRAINING_PACE_H_

#include <algorithm>
#include <cstdint>

#include "absl/time/time.h"
#include "server/search_activity.h"

namespace mixmatch::server {

// Of one thread.
class TrainingPace {
 public:
  static constexpr absl::Duration kMostRest = absl::Seconds(10);

  // `duty`: the share of the time that is worked while searches come in, above 0, at most 1.
  TrainingPace(double duty, const SearchActivity& searches) : duty_(duty), searches_(searches) {}

  // The rest after a step that took so long: nothing if no search is under way and none came since the last call of this,
  // else as much as the duty asks for, at most kMostRest.
  absl::Duration RestAfter(absl::Duration worked) {
    const uint64_t begun = searches_.begun();
    const bool searched = searches_.running() > 0 || begun != seen_;
    seen_ = begun;
    return searched ? std::min(worked * (1.0 / duty_ - 1.0), kMostRest) : absl::ZeroDuration();
  }

 private:
  const double duty_;
  const SearchActivity& searches_;
  uint64_t seen_ = 0;
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_TRAINING_PACE_H_
