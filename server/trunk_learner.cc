#include "server/trunk_learner.h"

#include <algorithm>
#include <optional>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "google/protobuf/util/time_util.h"
#include "model/cpu.h"
#include "proto/base/status_macros.h"
#include "server/log.h"
#include "server/thread_priority.h"
#include "server/trunk_outputs.h"

namespace mixmatch::server {
namespace {

constexpr int kNiceness = 19;
constexpr int64_t kReadEventsEvery = 50;    // Steps.
constexpr size_t kLeastEvents = 16;         // Fewer teach a trunk nothing.
constexpr uint64_t kDrawSeed = 1;
constexpr double kSmoothing = 0.05;
constexpr absl::Duration kRest = absl::Milliseconds(200);
constexpr size_t kReadAtOnce = 32;          // Parts, between two looks at whether something more urgent came up.
constexpr size_t kHandOver = 1024;          // Parts; each time all vectors are mapped anew.
constexpr double kTrialMargin = 0.02;       // Recall by which the trunk before must be better for the server to go back.

bool Never() { return false; }

// Whether weights of the one fit where the other's were.
bool SameShape(const model::TrunkConfig& a, const model::TrunkConfig& b) {
  return a.slots == b.slots && a.stems == b.stems && a.width == b.width && a.layers == b.layers && a.heads == b.heads &&
         a.output_dim == b.output_dim;
}

}  // namespace

TrunkLearner::TrunkLearner(const LearnerOptions& options, index::Store& store, LiveIndex& live, Learner& learner,
                           Checkpoint& checkpoint, const HitCounts& hits, const SearchActivity& searches)
    : options_(options), store_(store), live_(live), learner_(learner), checkpoint_(checkpoint), hits_(hits),
      pace_(options.train_duty, searches), batches_(store, options.batch_events, kDrawSeed) {}

TrunkLearner::~TrunkLearner() { Stop(); }

absl::Status TrunkLearner::Start(const storage::v1::Manifest& start) {
  for (const v1::TrunkRecord& record : start.trunks()) next_number_ = std::max(next_number_, record.trunk() + 1);
  model::TrunkTrainerOptions options;
  options.bf16 = model::CpuHasBf16();
  {
    absl::MutexLock lock(&trainer_mutex_);
    MIXMATCH_ASSIGN_OR_RETURN(trainer_, model::TrunkTrainer::Create(live_.Current()->encoder.trunk(), options));
    if (auto state = checkpoint_.LoadTrainerState(start); state.ok()) {
      if (const absl::Status loaded = trainer_->Load(*state); !loaded.ok()) {
        Log::Warn("the trunk's training begins anew: {}", loaded.ToString());
      }
    }
    judged_at_step_ = trainer_->steps();
  }
  if (options_.enabled && options_.slow) thread_ = std::thread([this] { Run(); });
  return absl::OkStatus();
}

void TrunkLearner::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stop_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

bool TrunkLearner::Stopping() const {
  absl::MutexLock lock(&mutex_);
  return stop_;
}

bool TrunkLearner::MayTrain() const {
  if (Stopping() || learner_.paused() || learner_.IdleSeconds() < options_.idle_seconds) return false;
  return learner_.Status().state() == v1::LEARNING_STATE_IDLE && !(options_.hold && options_.hold());
}

void TrunkLearner::Run() {
  LowerThreadPriority(kNiceness);
  while (!Stopping()) {
    absl::Duration rest = kRest;
    if (MayTrain()) {
      const absl::Time begin = absl::Now();
      const absl::StatusOr<bool> encoded = EncodeEstimated();
      const absl::Status status = !encoded.ok() ? encoded.status() : *encoded ? absl::OkStatus() : Train();
      if (!status.ok() && !absl::IsCancelled(status) && !absl::IsFailedPrecondition(status)) {
        Log::Warn("training: {}", status.ToString());
      }
      if (status.ok()) rest = pace_.RestAfter(absl::Now() - begin);
    }
    if (rest == absl::ZeroDuration()) continue;
    absl::MutexLock lock(&mutex_);
    mutex_.AwaitWithTimeout(absl::Condition(&stop_), rest);
  }
}

absl::Time TrunkLearner::PublishedTime() const {
  for (const v1::TrunkRecord& record : learner_.History()) {
    if (record.current()) return absl::FromUnixSeconds(record.published_time().seconds());
  }
  return absl::InfinitePast();
}

absl::Status TrunkLearner::Train() {
  absl::MutexLock lock(&trainer_mutex_);
  const int64_t step = trainer_->steps();
  if (events_read_at_step_ < 0 || step - events_read_at_step_ >= kReadEventsEvery || batches_.size() < kLeastEvents) {
    MIXMATCH_RETURN_IF_ERROR(batches_.Read(PublishedTime()));
    events_read_at_step_ = step;
  }
  if (batches_.size() < kLeastEvents) return absl::FailedPreconditionError("too few events to train on");
  MIXMATCH_ASSIGN_OR_RETURN(const std::vector<model::TrainingEvent> batch, batches_.Draw());
  if (batch.size() < 2) return absl::FailedPreconditionError("too few events of two parts to train on");
  MIXMATCH_ASSIGN_OR_RETURN(const double loss, trainer_->Step(batch));
  smoothed_loss_ = smoothed_loss_ == 0.0 ? loss : smoothed_loss_ + kSmoothing * (loss - smoothed_loss_);
  learner_.NoteTraining(smoothed_loss_, trainer_->steps());
  if (trainer_->steps() - judged_at_step_ >= options_.publish_steps) return Judge();
  return absl::OkStatus();
}

absl::Status TrunkLearner::Judge() {
  const std::shared_ptr<const Serving> serving = live_.Current();
  const auto cancelled = [this] { return !MayTrain(); };
  MIXMATCH_ASSIGN_OR_RETURN(std::shared_ptr<const model::Trunk> candidate, trainer_->Snapshot());
  MIXMATCH_ASSIGN_OR_RETURN(std::string state, trainer_->Save());
  checkpoint_.SetTrainerState(std::move(state));
  MIXMATCH_ASSIGN_OR_RETURN(const ProbeResult before,
                            RunProbe(store_, serving->encoder.trunk_number(), *serving->encoder.trunk(), options_.probe,
                                     learner_.ridges(), cancelled));
  learner_.NoteProbe(before.recall, before.pairs);
  judged_at_step_ = trainer_->steps();
  if (before.events < options_.min_probe_events) {
    return absl::FailedPreconditionError("too few held-out events to judge a trunk");
  }
  if (!learner_.pinned()) {
    MIXMATCH_ASSIGN_OR_RETURN(const bool went_back, JudgeTrial(before, cancelled));
    if (went_back) return absl::OkStatus();
  }
  std::string refusal;
  const absl::Status judged = JudgeCandidate(std::move(candidate), trainer_->steps(), before, /*restart=*/false, cancelled,
                                             &refusal);
  if (absl::IsCancelled(judged)) judged_at_step_ -= options_.publish_steps;  // Judged again soon.
  return judged;
}

absl::Status TrunkLearner::JudgeCandidate(std::shared_ptr<const model::Trunk> candidate, uint64_t steps,
                                          const ProbeResult& before, bool restart,
                                          const std::function<bool()>& cancelled, std::string* refusal) {
  const uint64_t number = next_number_++;
  MIXMATCH_ASSIGN_OR_RETURN(const ProbeResult after,
                            RunProbe(store_, number, *candidate, options_.probe, learner_.ridges(), cancelled));
  const bool pinned = learner_.pinned();
  v1::TrunkRecord record;
  record.set_trunk(number);
  *record.mutable_published_time() = google::protobuf::util::TimeUtil::GetCurrentTime();
  record.set_steps(steps);
  record.set_probe_recall_before(before.recall);
  record.set_probe_recall_after(after.recall);
  record.set_published(after.recall >= before.recall && !pinned);
  const std::string figures = absl::StrFormat("trunk %d after %d steps: probe recall@10 %.3f, published one %.3f", number,
                                              steps, after.recall, before.recall);
  Log::Info("{}: {}", figures, record.published() ? "published" : pinned ? "refused, for that one is pinned" : "refused");
  v1::TrainingSample sample;
  sample.set_steps(record.steps());
  sample.set_probe_recall(before.recall);
  sample.set_candidate_recall(after.recall);
  if (const std::optional<double> drift = Drift(before, after); drift.has_value()) sample.set_drift(*drift);
  sample.set_mark(record.published() ? v1::TRAINING_MARK_PUBLISHED : v1::TRAINING_MARK_REFUSED);
  sample.set_marked_trunk(number);
  if (!record.published()) {
    *refusal = figures;
    std::unique_ptr<index::StoreBatch> batch = store_.NewBatch();
    DeleteAllTrunkOutputs(number, candidate->config().slots, *batch);
    learner_.NoteRefused(record, sample);
    return store_.Commit(std::move(batch), /*sync=*/false);
  }
  MIXMATCH_RETURN_IF_ERROR(Publish(std::move(candidate), std::move(record), std::move(sample), restart));
  learner_.NoteProbe(after.recall, after.pairs);
  return absl::OkStatus();
}

absl::Status TrunkLearner::Offer(std::shared_ptr<const model::Trunk> trunk, uint64_t steps, bool force,
                                 const std::function<bool()>& cancelled) {
  absl::MutexLock lock(&trainer_mutex_);
  const std::shared_ptr<const Serving> serving = live_.Current();
  if (!SameShape(trunk->config(), serving->encoder.trunk()->config())) {
    return absl::InvalidArgumentError(
        "import: the checkpoint's trunk is of another shape than the one in use; begin a new data directory with it, see "
        "mixmatchd --init");
  }
  if (learner_.pinned()) {
    return absl::FailedPreconditionError("import: the trunk in use is pinned; unpin it first (LearningService.PinTrunk)");
  }
  if (force) {
    v1::TrunkRecord record;
    record.set_trunk(next_number_++);
    record.set_steps(steps);
    record.set_published(true);
    *record.mutable_published_time() = google::protobuf::util::TimeUtil::GetCurrentTime();
    v1::TrainingSample sample;
    sample.set_steps(steps);
    sample.set_mark(v1::TRAINING_MARK_PUBLISHED);
    sample.set_marked_trunk(record.trunk());
    MIXMATCH_RETURN_IF_ERROR(ReadAnchors(record.trunk(), *trunk));
    return Publish(std::move(trunk), std::move(record), std::move(sample), /*restart=*/true);
  }
  MIXMATCH_ASSIGN_OR_RETURN(const ProbeResult before,
                            RunProbe(store_, serving->encoder.trunk_number(), *serving->encoder.trunk(), options_.probe,
                                     learner_.ridges(), cancelled));
  if (before.events < options_.min_probe_events) {
    return absl::FailedPreconditionError(absl::StrCat("import: got ", before.events, " held-out events to judge it by, wanted ",
                                                      options_.min_probe_events, "; publish it without a judgement with force"));
  }
  std::string refusal;
  MIXMATCH_RETURN_IF_ERROR(JudgeCandidate(std::move(trunk), steps, before, /*restart=*/true, cancelled, &refusal));
  if (refusal.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("import: the gate refused it: ", refusal, "; publish it anyway with force"));
}

absl::StatusOr<v1::CompareTrunksResponse> TrunkLearner::Compare(uint64_t trunk, uint64_t other,
                                                                const std::function<bool()>& cancelled) {
  absl::MutexLock lock(&trainer_mutex_);
  v1::CompareTrunksResponse response;
  std::vector<ProbeResult> results;
  for (uint64_t number : {trunk, other}) {
    const auto loaded = checkpoint_.LoadTrunk(number);
    if (absl::IsNotFound(loaded.status())) {
      return absl::NotFoundError(absl::StrCat("trunk: no trunk ", number, " that was published, or its file is gone; see "
                                              "LearningService.History"));
    }
    MIXMATCH_RETURN_IF_ERROR(loaded.status());
    auto result = RunProbe(store_, number, **loaded, options_.probe, learner_.ridges(), cancelled);
    const storage::v1::TrunkTrial trial = learner_.trial();
    if (number != live_.Current()->encoder.trunk_number() && number != trial.trunk() && number != trial.previous()) {
      std::unique_ptr<index::StoreBatch> batch = store_.NewBatch();
      DeleteAllTrunkOutputs(number, (*loaded)->config().slots, *batch);
      MIXMATCH_RETURN_IF_ERROR(store_.Commit(std::move(batch), /*sync=*/false));
    }
    MIXMATCH_RETURN_IF_ERROR(result.status());
    if (result->events < options_.min_probe_events) {
      return absl::FailedPreconditionError(absl::StrCat("trunk: got ", result->events, " held-out events to compare by, wanted ",
                                                        options_.min_probe_events, "; link more items first"));
    }
    v1::TrunkFigures& figures = results.empty() ? *response.mutable_trunk() : *response.mutable_other();
    figures.set_trunk(number);
    figures.set_recall(result->recall);
    response.set_probe_pairs(result->pairs);
    results.push_back(*std::move(result));
  }
  response.set_drift(Drift(results[0], results[1]).value_or(0.0));
  return response;
}

absl::Status TrunkLearner::Publish(std::shared_ptr<const model::Trunk> candidate, v1::TrunkRecord record,
                                   v1::TrainingSample sample, bool restart) {
  MIXMATCH_RETURN_IF_ERROR(learner_.AdoptTrunk(record.trunk(), candidate, record, sample, /*on_trial=*/true));
  if (restart) judged_at_step_ = trainer_->steps();
  return trainer_->SetPublished(std::move(candidate), restart);
}

absl::Status TrunkLearner::PublishOnTrial(std::shared_ptr<const model::Trunk> candidate, v1::TrunkRecord record,
                                          v1::TrainingSample sample) {
  absl::MutexLock lock(&trainer_mutex_);
  record.set_trunk(next_number_++);
  record.set_published(true);
  sample.set_mark(v1::TRAINING_MARK_PUBLISHED);
  sample.set_marked_trunk(record.trunk());
  MIXMATCH_RETURN_IF_ERROR(ReadAnchors(record.trunk(), *candidate));
  return Publish(std::move(candidate), std::move(record), std::move(sample), /*restart=*/false);
}

absl::StatusOr<bool> TrunkLearner::JudgeTrialNow() {
  absl::MutexLock lock(&trainer_mutex_);
  const std::shared_ptr<const Serving> serving = live_.Current();
  MIXMATCH_ASSIGN_OR_RETURN(const ProbeResult now, RunProbe(store_, serving->encoder.trunk_number(),
                                                            *serving->encoder.trunk(), options_.probe,
                                                            learner_.ridges(), Never));
  return JudgeTrial(now, Never);
}

absl::StatusOr<bool> TrunkLearner::JudgeTrial(const ProbeResult& now, const std::function<bool()>& cancelled) {
  const storage::v1::TrunkTrial trial = learner_.trial();
  if (trial.trunk() == trial.previous() || trial.trunk() != live_.Current()->encoder.trunk_number()) return false;
  const auto previous = checkpoint_.LoadTrunk(trial.previous());
  if (!previous.ok()) {
    Log::Warn("the trial of trunk {} ends, trunk {} cannot be read: {}", trial.trunk(), trial.previous(),
              previous.status().ToString());
    MIXMATCH_RETURN_IF_ERROR(learner_.EndTrial());
    return false;
  }
  MIXMATCH_ASSIGN_OR_RETURN(const ProbeResult before,
                            RunProbe(store_, trial.previous(), **previous, options_.probe, learner_.ridges(), cancelled));
  const bool go_back = before.events >= options_.min_probe_events && before.recall > now.recall + kTrialMargin;
  Log::Info("trial of trunk {}: probe recall@10 {:.3f}, trunk {} before it {:.3f}: {}", trial.trunk(), now.recall,
            trial.previous(), before.recall, go_back ? "gone back" : "kept");
  if (!go_back) {
    MIXMATCH_RETURN_IF_ERROR(learner_.EndTrial());
    return false;
  }
  v1::TrainingSample sample;
  sample.set_probe_recall(now.recall);
  sample.set_candidate_recall(before.recall);
  if (const std::optional<double> drift = Drift(now, before); drift.has_value()) sample.set_drift(*drift);
  MIXMATCH_RETURN_IF_ERROR(GoBack(trial.previous(), *previous, sample));
  learner_.NoteProbe(before.recall, before.pairs);
  return true;
}

absl::Status TrunkLearner::GoBack(uint64_t number, std::shared_ptr<const model::Trunk> trunk,
                                  const v1::TrainingSample& how) {
  v1::TrunkRecord record;
  record.set_trunk(number);
  record.set_published(true);
  *record.mutable_published_time() = google::protobuf::util::TimeUtil::GetCurrentTime();
  v1::TrainingSample sample = how;
  sample.set_steps(trainer_->steps());
  sample.set_mark(v1::TRAINING_MARK_ROLLED_BACK);
  sample.set_marked_trunk(number);
  MIXMATCH_RETURN_IF_ERROR(learner_.AdoptTrunk(number, trunk, record, sample, /*on_trial=*/false));
  judged_at_step_ = trainer_->steps();
  return trainer_->SetPublished(std::move(trunk), /*restart=*/true);
}

absl::Status TrunkLearner::Rollback(uint64_t number) {
  if (learner_.pinned()) {
    return absl::FailedPreconditionError("trunk: the one in use is pinned; unpin it first (LearningService.PinTrunk)");
  }
  MIXMATCH_ASSIGN_OR_RETURN(std::shared_ptr<const model::Trunk> trunk, checkpoint_.LoadTrunk(number));
  // Held throughout: no candidate of the training that is given up is published behind this trunk's back.
  absl::MutexLock lock(&trainer_mutex_);
  MIXMATCH_RETURN_IF_ERROR(ReadAnchors(number, *trunk));
  return GoBack(number, std::move(trunk), v1::TrainingSample());
}

absl::Status TrunkLearner::ReadTokens(const model::Trunk& trunk, absl::Span<const std::pair<int, uint64_t>> parts,
                                      std::vector<EncodedPart>& read) const {
  std::vector<EncodedPart> fresh;
  for (const auto& [slot, part_id] : parts) {
    auto tokens = store_.GetTokens(part_id);
    if (absl::IsNotFound(tokens.status())) continue;  // Deleted meanwhile.
    MIXMATCH_RETURN_IF_ERROR(tokens.status());
    fresh.emplace_back();
    fresh.back().slot = slot;
    fresh.back().part_id = part_id;
    fresh.back().tokens = *std::move(tokens);
  }
  if (fresh.empty()) return absl::OkStatus();
  MIXMATCH_RETURN_IF_ERROR(ReadByTrunk(trunk, absl::MakeSpan(fresh)));
  for (EncodedPart& part : fresh) {
    part.tokens.clear();
    read.push_back(std::move(part));
  }
  return absl::OkStatus();
}

absl::Status TrunkLearner::ReadAnchors(uint64_t number, const model::Trunk& trunk) {
  const uint64_t current = live_.Current()->encoder.trunk_number();
  if (number == current) return absl::OkStatus();
  for (int slot = 0; slot < trunk.config().slots; ++slot) {
    std::vector<std::pair<int, uint64_t>> parts;
    MIXMATCH_RETURN_IF_ERROR(
        store_.ForEachTrunkFeatures(TrunkKey(current, slot), 0, [&](uint64_t id, absl::Span<const float>) {
          parts.emplace_back(slot, id);
          return true;
        }));
    std::shuffle(parts.begin(), parts.end(), std::mt19937_64(number));
    parts.resize(std::min(parts.size(), static_cast<size_t>(options_.anchors)));
    std::vector<EncodedPart> read;
    for (size_t at = 0; at < parts.size(); at += kReadAtOnce) {
      MIXMATCH_RETURN_IF_ERROR(
          ReadTokens(trunk, absl::MakeConstSpan(parts).subspan(at, std::min(kReadAtOnce, parts.size() - at)), read));
    }
    std::unique_ptr<index::StoreBatch> batch = store_.NewBatch();
    for (const EncodedPart& part : read) batch->PutTrunkFeatures(TrunkKey(number, slot), part.part_id, part.trunk_features);
    MIXMATCH_RETURN_IF_ERROR(store_.Commit(std::move(batch), /*sync=*/false));
  }
  return absl::OkStatus();
}

void TrunkLearner::SortEstimated() {
  SortByUse(hits_, estimated_);
  std::reverse(estimated_.begin(), estimated_.end());
}

absl::StatusOr<bool> TrunkLearner::EncodeEstimated() {
  const std::shared_ptr<const Serving> serving = live_.Current();
  const uint64_t number = serving->encoder.trunk_number();
  const model::Trunk& trunk = *serving->encoder.trunk();
  if (!estimates_known_ || estimated_of_ != number) {
    read_.clear();
    MIXMATCH_ASSIGN_OR_RETURN(estimated_, EstimatedParts(store_, number, trunk.config().slots));
    SortEstimated();
    estimated_of_ = number;
    estimates_known_ = true;
    learner_.NoteEstimated(static_cast<int64_t>(estimated_.size()));
  }
  if (estimated_.empty()) return false;
  const size_t count = std::min(kReadAtOnce, estimated_.size());
  MIXMATCH_RETURN_IF_ERROR(ReadTokens(trunk, absl::MakeConstSpan(estimated_).last(count), read_));
  estimated_.resize(estimated_.size() - count);
  if (read_.size() < kHandOver && !estimated_.empty()) return true;
  MIXMATCH_RETURN_IF_ERROR(learner_.ReplaceEstimates(number, std::exchange(read_, {})));
  SortEstimated();
  learner_.NoteEstimated(static_cast<int64_t>(estimated_.size()));
  return true;
}

}  // namespace mixmatch::server
