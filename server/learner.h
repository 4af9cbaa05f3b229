// The fast learner: keeps the associative head in step with the events in the store, and publishes generations.
#ifndef MIXMATCH_SERVER_LEARNER_H_
#define MIXMATCH_SERVER_LEARNER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "index/store/store.h"
#include "mixmatch/v1/learning_service.pb.h"
#include "model/head/associative_head.h"
#include "server/catalog.h"
#include "server/checkpoint.h"
#include "server/event_groups.h"
#include "server/live_index.h"
#include "server/options.h"
#include "server/training_journal.h"

namespace mixmatch::server {

// One thread of its own, started by Start. The moments are a pure function of the events in the store: they are made
// again from it at the start, in the background, while the last published generation serves.
class Learner {
 public:
  Learner(const LearnerOptions& options, index::Store& store, Catalog& catalog, LiveIndex& live, Checkpoint& checkpoint);
  ~Learner();  // Stops.

  // Begins: all events are looked at again. `start` is what the checkpoint said.
  absl::Status Start(const storage::v1::Manifest& start);
  // Ends after the step at hand and writes a last checkpoint. May be called twice.
  void Stop();

  // An event changed in the store. `acked` is when its change was acknowledged.
  void Changed(const std::string& event_id, absl::Time acked);
  // An upload is under way: learning keeps to its share of the machine for a while.
  void NoteUpload();
  // Seconds since the last upload.
  double IdleSeconds() const;

  void Pause();
  // FAILED_PRECONDITION when learning is off.
  absl::Status Resume();
  bool paused() const;

  // Another trunk: runs on the learner's thread and returns when it is published (or failed). Parts that the trunk has not
  // read get an estimate, so this takes no longer than a refresh. `record` goes into the history and `sample` into the
  // journal, with what it says of now: time, loss, trunk and generation. With `on_trial` the trunk before is kept, with its
  // outputs, until EndTrial or the next AdoptTrunk; without, this is a way back: the record of the trunk in use now is
  // marked rolled_back. Thread-safe.
  absl::Status AdoptTrunk(uint64_t number, std::shared_ptr<const model::Trunk> trunk, const v1::TrunkRecord& record,
                          const v1::TrainingSample& sample, bool on_trial);
  // What is on trial; trunk and previous are equal if nothing is.
  storage::v1::TrunkTrial trial() const;
  // The trunk in use stays: outputs of the one before it are deleted.
  absl::Status EndTrial();
  // Parts that the trunk in use has read at last: their real outputs take the estimates' place, what was learned from
  // estimates is unlearned, and learned anew with the next cycle. Nothing happens if another trunk is in use by now.
  absl::Status ReplaceEstimates(uint64_t trunk_number, std::vector<EncodedPart> parts);
  // Regularisation of the fast head, by slot and block; see AssociativeHead::ChooseRidges. It is chosen again by itself
  // when due, with another trunk and after what was unlearned, once nothing is uploaded.
  model::HeadRidges ridges() const;
  // All events are looked at again, as at the start: parts of some had no features.
  void LookAgain();
  // How many items have parts without features.
  void NoteUndescribed(int64_t items);
  // How many parts still rest on an estimate.
  void NoteEstimated(int64_t parts);
  // A candidate that the gate refused goes into the history and the journal too.
  void NoteRefused(const v1::TrunkRecord& record, const v1::TrainingSample& sample);
  // Makes all vectors again from the cached features, and the moments too if `relearn`; returns when published.
  absl::Status Republish(bool relearn);

  // Writes a checkpoint, and then runs `then` before anything else is published or saved, on the learner's thread: keep it
  // short. Returns when it has run.
  absl::Status WithCheckpoint(std::function<absl::Status()> then);
  // The same without a checkpoint: nothing is published or saved while `run` runs.
  absl::Status Between(std::function<absl::Status()> run) { return RunTask(std::move(run)); }

  // The trunk in use is to stay until this is taken back: see LearningService.PinTrunk. Saved when it returns OK.
  absl::Status SetPinned(bool pinned);
  bool pinned() const;

  // The trunk's trainer tells how it goes; now and then that goes into the journal.
  void NoteTraining(double loss, int64_t steps);
  void NoteProbe(double recall, int64_t pairs);

  v1::LearningStatus Status() const;
  // Blocks until the status is newer than `version` or the deadline passes; updates `version`.
  v1::LearningStatus WaitStatus(uint64_t& version, absl::Time deadline) const;
  std::vector<v1::TrunkRecord> History() const;
  // How the trunk's training went, oldest first.
  std::vector<v1::TrainingSample> Samples() const;

 private:
  struct Task {
    std::function<absl::Status()> run;
    absl::Status result;
    bool done = false;
  };

  void Run();
  absl::Status Cycle(std::vector<std::pair<std::string, absl::Time>> changed);
  absl::Status Relearn(const std::string& event_id, const Encoder& encoder);
  // All of the groups or, where a part has no features, none: NOT_FOUND.
  absl::Status Apply(const std::vector<Group>& groups, const Encoder& encoder, bool add);
  // Maps every stored part with these and swaps the generation.
  absl::Status Publish(uint64_t trunk_number, std::shared_ptr<const model::Trunk> trunk,
                       std::shared_ptr<const model::HeadMaps> maps);
  absl::Status PurgeOrphans();
  absl::Status RelearnAll(const Encoder& encoder);
  // Solves from the seed and publishes.
  absl::Status SolveAfresh();
  // Chooses the ridges, and solves from the seed if they are others. Gives way to events and tasks.
  absl::Status ChooseRidges();
  absl::StatusOr<std::unique_ptr<model::AssociativeHead>> NewHead(const model::Trunk& trunk) const;
  absl::Status DoReplaceEstimates(uint64_t trunk_number, absl::Span<const EncodedPart> parts);
  // Of the store, those that items are by themselves too.
  absl::StatusOr<std::vector<std::string>> AllEvents() const;
  absl::Status RunTask(std::function<absl::Status()> run);
  absl::Status SaveCheckpoint();
  // Completes a sample by what is true now and keeps it.
  void AddSample(v1::TrainingSample sample) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Has the event looked at again in a later cycle.
  void Enqueue(const std::string& event_id, absl::Time acked) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Bump() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const LearnerOptions options_;
  index::Store& store_;
  Catalog& catalog_;
  LiveIndex& live_;
  Checkpoint& checkpoint_;

  // Of the learner's thread.
  std::unique_ptr<model::AssociativeHead> head_;
  absl::flat_hash_map<std::string, std::vector<Group>> learned_;  // What the moments hold, by event.
  std::vector<std::pair<int, uint64_t>> orphans_;  // Features whose item is gone, seen by the last walk.
  std::vector<std::pair<int, uint64_t>> old_orphans_;
  bool removed_ = false;  // Events were unlearned since the solver last began from its seed.
  bool ridges_of_removed_ = false;  // Events were unlearned since the ridges were chosen.
  bool ridges_failed_ = false;
  int ridges_put_off_ = 0;
  bool unsaved_ = false;
  absl::Time last_save_ = absl::InfinitePast();
  uint64_t next_generation_ = 1;

  mutable absl::Mutex mutex_;
  absl::flat_hash_map<std::string, absl::Time> changed_ ABSL_GUARDED_BY(mutex_);
  absl::Time first_change_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();  // Of those in changed_;
  absl::Time last_change_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();   // and the newest.
  std::vector<std::shared_ptr<Task>> tasks_ ABSL_GUARDED_BY(mutex_);
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  bool paused_ ABSL_GUARDED_BY(mutex_) = false;
  bool busy_ ABSL_GUARDED_BY(mutex_) = false;
  bool choosing_ ABSL_GUARDED_BY(mutex_) = false;  // Ridges.
  int64_t learning_now_ ABSL_GUARDED_BY(mutex_) = 0;  // Events in the cycle at hand.
  absl::Time last_upload_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  uint64_t version_ ABSL_GUARDED_BY(mutex_) = 1;
  v1::LearningStatus status_ ABSL_GUARDED_BY(mutex_);
  std::vector<v1::TrunkRecord> history_ ABSL_GUARDED_BY(mutex_);  // Oldest first.
  TrainingJournal journal_ ABSL_GUARDED_BY(mutex_);
  storage::v1::TrunkTrial trial_ ABSL_GUARDED_BY(mutex_);
  bool pinned_ ABSL_GUARDED_BY(mutex_) = false;
  model::HeadRidges ridges_ ABSL_GUARDED_BY(mutex_);
  int64_t ridge_events_ ABSL_GUARDED_BY(mutex_) = 0;  // Events that they were chosen from.
  std::thread thread_;
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_LEARNER_H_
