// The slow learner: trains the trunk in the background, judges candidates on held-out events, publishes or refuses.
#ifndef MIXMATCH_SERVER_TRUNK_LEARNER_H_
#define MIXMATCH_SERVER_TRUNK_LEARNER_H_

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "index/store/store.h"
#include "model/learn/trunk_trainer.h"
#include "server/catalog.h"
#include "server/checkpoint.h"
#include "server/hit_counts.h"
#include "server/learner.h"
#include "server/probe.h"
#include "server/search_activity.h"
#include "server/training_batches.h"
#include "server/training_pace.h"

namespace mixmatch::server {

// One thread of its own, of the lowest priority. It trains only while nothing is uploaded, the fast learner has nothing
// to do and learning is not paused, on what training_events.h lists; while searches come in it works for a share of the
// time only (training_pace.h). A candidate is published if the probe's recall with it is not below that with the published trunk; both are
// judged by heads solved without the probe's events.
//
// Publication comes before re-encoding: parts that the new trunk has not read rest on an estimate (trunk_outputs.h) until
// this thread has read them, those first that searches find most often; nothing is trained or judged meanwhile. The new trunk is on trial until the
// next judgement, by then with the events that have come since: if the trunk before it finds more by a margin, the server
// goes back by itself.
class TrunkLearner {
 public:
  TrunkLearner(const LearnerOptions& options, index::Store& store, LiveIndex& live, Learner& learner,
               Checkpoint& checkpoint, const HitCounts& hits, const SearchActivity& searches);
  ~TrunkLearner();  // Stops.

  absl::Status Start(const storage::v1::Manifest& start);
  void Stop();

  // Goes back to trunk `number`, without the gate. NOT_FOUND if it was never published or its file is gone.
  absl::Status Rollback(uint64_t number);

  // Judges a trunk from elsewhere as a candidate, or with `force` publishes it whatever the probe says; it is on trial
  // either way, and training goes on from it. INVALID_ARGUMENT: of another shape. FAILED_PRECONDITION: the trunk in use is
  // pinned, the probe is too small, or the gate refused it.
  absl::Status Offer(std::shared_ptr<const model::Trunk> trunk, uint64_t steps, bool force,
                     const std::function<bool()>& cancelled);
  // As LearningService.CompareTrunks.
  absl::StatusOr<v1::CompareTrunksResponse> Compare(uint64_t trunk, uint64_t other,
                                                    const std::function<bool()>& cancelled);

  // What the gate does with a candidate that it lets through. `judged` has the probe's figures; its trunk number is set here.
  absl::Status PublishOnTrial(std::shared_ptr<const model::Trunk> candidate, v1::TrunkRecord record,
                              v1::TrainingSample sample);
  // Judges the trunk on trial again; true if the server went back to the one before. Does nothing if none is on trial.
  absl::StatusOr<bool> JudgeTrialNow();
  // Reads the next parts that rest on an estimate; false if there are none.
  absl::StatusOr<bool> EncodeEstimated();
  // A step of training, and the judgement of a candidate where one is due. FAILED_PRECONDITION: the store has too few events
  // to train on, or to judge by.
  absl::Status Train();

 private:
  void Run();
  bool MayTrain() const;
  absl::Time PublishedTime() const;  // Of the trunk in use; the distant past for the one that the server began with.
  absl::Status Judge() ABSL_EXCLUSIVE_LOCKS_REQUIRED(trainer_mutex_);
  // Publishes the candidate if the probe finds no less with it than `before`, and nothing is pinned; else it is refused, and
  // `refusal` says why.
  absl::Status JudgeCandidate(std::shared_ptr<const model::Trunk> candidate, uint64_t steps, const ProbeResult& before,
                              bool restart, const std::function<bool()>& cancelled, std::string* refusal)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(trainer_mutex_);
  // `restart`: training begins anew from it.
  absl::Status Publish(std::shared_ptr<const model::Trunk> candidate, v1::TrunkRecord record, v1::TrainingSample sample,
                       bool restart) ABSL_EXCLUSIVE_LOCKS_REQUIRED(trainer_mutex_);
  // `now` is what the probe says of the trunk in use.
  absl::StatusOr<bool> JudgeTrial(const ProbeResult& now, const std::function<bool()>& cancelled)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(trainer_mutex_);
  absl::Status GoBack(uint64_t number, std::shared_ptr<const model::Trunk> trunk, const v1::TrainingSample& sample)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(trainer_mutex_);
  // Reads options.anchors parts of each slot for a trunk, so that its outputs can be estimated for others.
  absl::Status ReadAnchors(uint64_t number, const model::Trunk& trunk);
  absl::Status ReadTokens(const model::Trunk& trunk, absl::Span<const std::pair<int, uint64_t>> parts,
                          std::vector<EncodedPart>& read) const;
  // The most useful last; by what searches have found until now.
  void SortEstimated();
  bool Stopping() const;

  const LearnerOptions options_;
  index::Store& store_;
  LiveIndex& live_;
  Learner& learner_;
  Checkpoint& checkpoint_;
  const HitCounts& hits_;

  // Of the thread.
  TrainingPace pace_;
  TrainingBatches batches_;  // Looks at the store again now and then.
  int64_t events_read_at_step_ = -1;
  double smoothed_loss_ = 0.0;
  int64_t judged_at_step_ = 0;
  uint64_t next_number_ = 1;
  uint64_t estimated_of_ = 0;                           // The trunk that
  std::vector<std::pair<int, uint64_t>> estimated_;     // these have not been read by; the next one last.
  std::vector<EncodedPart> read_;                       // Read, and not yet handed to the learner.
  bool estimates_known_ = false;

  absl::Mutex trainer_mutex_;  // Order: before all others.
  std::unique_ptr<model::TrunkTrainer> trainer_ ABSL_GUARDED_BY(trainer_mutex_);
  mutable absl::Mutex mutex_;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_TRUNK_LEARNER_H_
