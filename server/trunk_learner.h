// The slow learner: trains the trunk in the background, judges candidates on held-out events, publishes or refuses.
#ifndef MIXMATCH_SERVER_TRUNK_LEARNER_H_
#define MIXMATCH_SERVER_TRUNK_LEARNER_H_

#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "index/store/store.h"
#include "model/learn/trunk_trainer.h"
#include "server/catalog.h"
#include "server/checkpoint.h"
#include "server/learner.h"
#include "server/probe.h"

namespace mixmatch::server {

// One thread of its own, of the lowest priority. It trains only while nothing is uploaded, the fast learner has nothing
// to do and learning is not paused. A twentieth of the events, chosen by a hash of their id, is never trained on: they are
// the probe. A candidate is published if the probe's recall with it is not below that with the published trunk; both are
// judged by heads solved without the probe's events.
class TrunkLearner {
 public:
  TrunkLearner(const LearnerOptions& options, index::Store& store, LiveIndex& live, Learner& learner,
               Checkpoint& checkpoint);
  ~TrunkLearner();  // Stops.

  absl::Status Start(const storage::v1::Manifest& start);
  void Stop();

  // Goes back to trunk `number`, without the gate. NOT_FOUND if it was never published or its file is gone.
  absl::Status Rollback(uint64_t number);

 private:
  void Run();
  bool MayTrain() const;
  absl::Status Train();
  absl::Status Judge();
  absl::StatusOr<std::vector<model::TrainingEvent>> SampleBatch();
  absl::StatusOr<model::TrainingEvent> ReadEvent(const std::string& event_id);
  bool Stopping() const;

  const LearnerOptions options_;
  index::Store& store_;
  LiveIndex& live_;
  Learner& learner_;
  Checkpoint& checkpoint_;

  // Of the thread.
  std::mt19937_64 random_{1};
  std::vector<std::string> events_;  // That can be trained on; read again now and then.
  int64_t events_read_at_step_ = -1;
  double smoothed_loss_ = 0.0;
  int64_t judged_at_step_ = 0;
  uint64_t next_number_ = 1;

  absl::Mutex trainer_mutex_;  // Order: before all others.
  std::unique_ptr<model::TrunkTrainer> trainer_ ABSL_GUARDED_BY(trainer_mutex_);
  mutable absl::Mutex mutex_;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_TRUNK_LEARNER_H_
