// How the trunk's training went: a bounded list of looks at it.
#ifndef MIXMATCH_SERVER_TRAINING_JOURNAL_H_
#define MIXMATCH_SERVER_TRAINING_JOURNAL_H_

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "mixmatch/v1/learning_service.pb.h"

namespace mixmatch::server {

// Not thread-safe.
class TrainingJournal {
 public:
  static constexpr size_t kMost = 1000;  // Samples.
  static constexpr int64_t kEvery = 20;  // Steps between two looks at the loss.

  // What an earlier run kept.
  template <typename Samples>
  void Restore(const Samples& samples) {
    samples_.assign(samples.begin(), samples.end());
    while (samples_.size() > kMost) Thin();
  }

  // Whether a look at the loss is due: the first time, every kEvery steps, and after a fall to fewer steps.
  bool Due(int64_t steps) const { return last_steps_ < 0 || steps - last_steps_ >= kEvery || steps < last_steps_; }

  void Add(v1::TrainingSample sample) {
    if (samples_.size() >= kMost) Thin();
    last_steps_ = static_cast<int64_t>(sample.steps());
    samples_.push_back(std::move(sample));
  }

  // Oldest first, at most kMost.
  const std::vector<v1::TrainingSample>& samples() const { return samples_; }

 private:
  // Drops every second one of the older half: of those without a mark, of all if there are none such.
  void Thin() {
    const size_t half = samples_.size() / 2;
    bool any_without_mark = false;
    for (size_t i = 0; i < half; ++i) any_without_mark |= samples_[i].mark() == v1::TRAINING_MARK_UNSPECIFIED;
    std::vector<v1::TrainingSample> kept;
    bool drop = true;
    for (size_t i = 0; i < samples_.size(); ++i) {
      const bool may_go = i < half && (!any_without_mark || samples_[i].mark() == v1::TRAINING_MARK_UNSPECIFIED);
      if (!may_go || !drop) kept.push_back(std::move(samples_[i]));
      if (may_go) drop = !drop;
    }
    samples_ = std::move(kept);
  }

  std::vector<v1::TrainingSample> samples_;
  int64_t last_steps_ = -1;  // Of the newest sample of this run.
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_TRAINING_JOURNAL_H_
