#include "server/learner.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/time/clock.h"
#include "google/protobuf/util/time_util.h"
#include "model/modality/modality.h"
#include "proto/base/status_macros.h"
#include "server/feature_walk.h"
#include "server/log.h"
#include "server/thread_priority.h"
#include "server/trunk_outputs.h"

namespace mixmatch::server {
namespace {

constexpr char kGenerationsUsed[] = "generations_used";
constexpr int kNiceness = 10;
constexpr absl::Duration kUploadsGoOn = absl::Seconds(2);  // After an upload, more are expected for so long.
constexpr absl::Duration kQuiet = absl::Seconds(2);        // Without changes for so long: time for a checkpoint.
constexpr absl::Duration kSettle = absl::Milliseconds(100);      // Changes this close together are learned in one go,
constexpr absl::Duration kMostSettle = absl::Milliseconds(500);  // but the first of them does not wait longer than this.
constexpr size_t kFewChanges = 24;                         // So few are learned at once, whatever the duty.
constexpr size_t kFoldEvery = 512;                         // Events, to bound the head's queue.
constexpr int kMostPutOff = 3;                             // Times that the choice of ridges gives way to what comes.

// Whether a part of `before` is in none of `after`.
bool LosesParts(const std::vector<Group>& before, const std::vector<Group>& after) {
  absl::flat_hash_set<uint64_t> kept;
  for (const Group& group : after) {
    for (const auto& [slot, part_id] : group.parts) kept.insert(part_id);
  }
  return std::any_of(before.begin(), before.end(), [&](const Group& group) {
    return std::any_of(group.parts.begin(), group.parts.end(),
                       [&](const auto& slot_and_part) { return !kept.contains(slot_and_part.second); });
  });
}

// False, and nothing is changed, unless the manifest has the ridges of slots and blocks that are there; slots that it does
// not know keep theirs.
bool ReadRidges(const storage::v1::Manifest& manifest, model::HeadRidges* ridges) {
  if (manifest.ridges().empty() || manifest.ridges_size() > static_cast<int>(ridges->size())) return false;
  model::HeadRidges read = *ridges;
  for (int slot = 0; slot < manifest.ridges_size(); ++slot) {
    const auto& blocks = manifest.ridges(slot).blocks();
    if (blocks.size() != static_cast<int>(read[slot].size())) return false;
    read[slot].assign(blocks.begin(), blocks.end());
  }
  *ridges = std::move(read);
  return true;
}

// Whether a ridge differs by more than a twentieth from what it was.
bool Differ(const model::HeadRidges& a, const model::HeadRidges& b) {
  for (size_t slot = 0; slot < a.size(); ++slot) {
    for (size_t block = 0; block < a[slot].size(); ++block) {
      if (std::abs(std::log(a[slot][block] / b[slot][block])) > 0.05) return true;
    }
  }
  return false;
}

google::protobuf::Timestamp Now() { return google::protobuf::util::TimeUtil::GetCurrentTime(); }

}  // namespace

Learner::Learner(const LearnerOptions& options, index::Store& store, Catalog& catalog, LiveIndex& live,
                 Checkpoint& checkpoint)
    : options_(options), store_(store), catalog_(catalog), live_(live), checkpoint_(checkpoint) {}

Learner::~Learner() { Stop(); }

absl::StatusOr<std::unique_ptr<model::AssociativeHead>> Learner::NewHead(const model::Trunk& trunk) const {
  MIXMATCH_ASSIGN_OR_RETURN(std::unique_ptr<model::AssociativeHead> head,
                            model::AssociativeHead::Create(HeadOptions(trunk)));
  absl::MutexLock lock(&mutex_);
  if (!ridges_.empty()) MIXMATCH_RETURN_IF_ERROR(head->SetRidges(ridges_, ridge_events_));
  return head;
}

absl::Status Learner::Start(const storage::v1::Manifest& start) {
  MIXMATCH_ASSIGN_OR_RETURN(head_, NewHead(*live_.Current()->encoder.trunk()));
  model::HeadRidges ridges = head_->ridges();
  int64_t ridge_events = 0;
  if (ReadRidges(start, &ridges) && head_->SetRidges(ridges, static_cast<int64_t>(start.ridge_events())).ok()) {
    ridge_events = static_cast<int64_t>(start.ridge_events());
  }
  {
    absl::MutexLock lock(&mutex_);
    ridges_ = head_->ridges();
    ridge_events_ = ridge_events;
  }
  next_generation_ = start.generation() + 1;
  if (auto used = store_.GetMeta(kGenerationsUsed); used.ok()) {
    next_generation_ = std::max<uint64_t>(next_generation_, std::strtoull(used->c_str(), nullptr, 10) + 1);
  }
  std::vector<std::string> events;
  if (options_.enabled) {
    MIXMATCH_ASSIGN_OR_RETURN(events, AllEvents());
  }
  {
    absl::MutexLock lock(&mutex_);
    paused_ = start.paused();
    for (std::string& id : events) changed_.emplace(std::move(id), absl::InfinitePast());
    history_.assign(start.trunks().begin(), start.trunks().end());
    journal_.Restore(start.samples());
    trial_ = start.trial();
    pinned_ = start.pinned();
    status_.set_events_seen(start.events_seen());
    status_.set_publications_refused(start.publications_refused());
    Bump();
  }
  thread_ = std::thread([this] { Run(); });
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> Learner::AllEvents() const {
  std::vector<std::string> events;
  MIXMATCH_RETURN_IF_ERROR(store_.ForEachEvent("", [&](const storage::v1::EventRecord& record) {
    events.push_back(record.event().event_id());
    return true;
  }));
  for (const auto& item : catalog_.From(0, SIZE_MAX)) events.push_back(ContainerId(item->item().item_id()));
  return events;
}

void Learner::LookAgain() {
  if (!options_.enabled) return;
  const absl::StatusOr<std::vector<std::string>> events = AllEvents();
  if (!events.ok()) return Log::Warn("learning: {}", events.status().ToString());
  absl::MutexLock lock(&mutex_);
  for (const std::string& id : *events) Enqueue(id, absl::InfinitePast());
}

void Learner::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    if (stop_) return;
    stop_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

void Learner::Changed(const std::string& event_id, absl::Time acked) {
  if (!options_.enabled) return;
  absl::MutexLock lock(&mutex_);
  Enqueue(event_id, acked);
}

void Learner::Enqueue(const std::string& event_id, absl::Time acked) {
  last_change_ = absl::Now();
  if (changed_.empty()) first_change_ = last_change_;
  auto [entry, fresh] = changed_.emplace(event_id, acked);
  if (!fresh) entry->second = std::max(entry->second, acked);
  Bump();
}

void Learner::NoteUpload() {
  absl::MutexLock lock(&mutex_);
  last_upload_ = absl::Now();
}

double Learner::IdleSeconds() const {
  absl::MutexLock lock(&mutex_);
  return absl::ToDoubleSeconds(absl::Now() - last_upload_);
}

void Learner::Pause() {
  absl::MutexLock lock(&mutex_);
  paused_ = true;
  Bump();
  mutex_.Await(absl::Condition(
      +[](Learner* self) ABSL_NO_THREAD_SAFETY_ANALYSIS { return !self->busy_ || self->stop_; }, this));
}

absl::Status Learner::Resume() {
  if (!options_.enabled) {
    return absl::FailedPreconditionError("learning: the server was started with --learning off; start it without");
  }
  absl::MutexLock lock(&mutex_);
  paused_ = false;
  Bump();
  return absl::OkStatus();
}

bool Learner::paused() const {
  absl::MutexLock lock(&mutex_);
  return paused_ || !options_.enabled;
}

void Learner::Bump() { ++version_; }

void Learner::Run() {
  LowerThreadPriority(kNiceness);
  absl::Duration last_cycle = absl::ZeroDuration();
  absl::Time last_end = absl::InfinitePast();
  bool held = false;
  const auto due = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (held || paused_ || !options_.enabled || changed_.empty()) return false;
    const absl::Time now = absl::Now();
    if (now - last_change_ < kSettle && now - first_change_ < kMostSettle) return false;
    absl::Duration rest = absl::Seconds(options_.min_interval);
    if (changed_.size() > kFewChanges && now - last_upload_ < kUploadsGoOn) {
      rest = std::max(rest, last_cycle * (1.0 / options_.duty - 1.0));
    }
    return now - last_end >= rest;
  };
  while (true) {
    if (const bool hold = options_.hold && options_.hold(); hold != held) {
      held = hold;
      Log::Warn(held ? "learning waits: the disk or the memory is nearly full" : "learning goes on");
    }
    std::vector<std::pair<std::string, absl::Time>> changed;
    std::vector<std::shared_ptr<Task>> tasks;
    bool stop = false;
    {
      absl::MutexLock lock(&mutex_);
      const auto wake = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return stop_ || !tasks_.empty() || due(); };
      mutex_.AwaitWithTimeout(absl::Condition(&wake), absl::Milliseconds(50));
      stop = stop_;
      tasks.swap(tasks_);
      if (!stop && tasks.empty() && due()) {
        changed.assign(changed_.begin(), changed_.end());
        changed_.clear();
        learning_now_ = static_cast<int64_t>(changed.size());
      }
      busy_ = !changed.empty() || !tasks.empty();
      if (busy_) Bump();
    }
    for (const std::shared_ptr<Task>& task : tasks) {
      const absl::Status result = stop ? absl::CancelledError("the server is stopping") : task->run();
      absl::MutexLock lock(&mutex_);
      task->result = result;
      task->done = true;
    }
    if (!changed.empty()) {
      const absl::Time begin = absl::Now();
      const absl::Status status = Cycle(std::move(changed));
      if (!status.ok()) Log::Error("learning: {}", status.ToString());
      last_end = absl::Now();
      last_cycle = last_end - begin;
    }
    bool quiet = false, forget = false, choose = false;
    {
      absl::MutexLock lock(&mutex_);
      learning_now_ = 0;
      quiet = changed_.empty() && absl::Now() - last_upload_ >= kQuiet;
      const bool rest = quiet && !held && absl::Now() - last_change_ >= kQuiet && !stop && !paused_;
      forget = removed_ && rest;
      choose = rest && !options_.random_head &&
               ((ridges_of_removed_ && ridge_events_ > 0) || (!ridges_failed_ && head_->RidgesDue()));
      busy_ = forget || choose;
      choosing_ = choose;
      Bump();
      if (stop_ && !tasks_.empty()) continue;
    }
    if (forget || choose) {
      absl::Status status = choose ? ChooseRidges() : absl::OkStatus();
      if (status.ok() && removed_) status = SolveAfresh();
      if (!status.ok()) Log::Error("{}: {}", forget ? "unlearning" : "choosing ridges", status.ToString());
      absl::MutexLock lock(&mutex_);
      busy_ = choosing_ = false;
      Bump();
    }
    const absl::Duration since = absl::Now() - last_save_;
    const absl::Duration least = absl::Seconds(std::min(10.0, options_.checkpoint_seconds));
    if (!held && (stop || (unsaved_ && ((quiet && since >= least) || since >= absl::Seconds(options_.checkpoint_seconds))))) {
      SaveCheckpoint().IgnoreError();  // Said there; what is acknowledged is in the store.
    }
    if (stop) return;
  }
}

absl::Status Learner::Cycle(std::vector<std::pair<std::string, absl::Time>> changed) {
  const absl::Time begin = absl::Now();
  const std::shared_ptr<const Serving> serving = live_.Current();
  absl::Time newest = absl::InfinitePast();
  size_t done = 0, incomplete = 0;
  for (const auto& [event_id, acked] : changed) {
    const absl::Status status = Relearn(event_id, serving->encoder);
    if (absl::IsNotFound(status)) {
      ++incomplete;
    } else if (!status.ok()) {
      Log::Warn("learning: an event was left out: {}", status.ToString());
    }
    newest = std::max(newest, acked);
    if (++done % kFoldEvery == 0) MIXMATCH_RETURN_IF_ERROR(head_->Fold());
  }
  if (incomplete > 0) Log::Warn("learning: {} events were left out, parts of them have no features", incomplete);
  MIXMATCH_RETURN_IF_ERROR(PurgeOrphans());
  const absl::Time related = absl::Now();
  MIXMATCH_ASSIGN_OR_RETURN(model::SolvedHead solved, head_->Solve());
  const absl::Time solve_end = absl::Now();
  if (!options_.random_head) {
    MIXMATCH_RETURN_IF_ERROR(Publish(serving->encoder.trunk_number(), serving->encoder.trunk(), solved.maps));
  }
  const absl::Time end = absl::Now();
  std::unique_ptr<index::StoreBatch> batch = store_.NewBatch();
  for (const auto& [event_id, acked] : changed) batch->DeleteLearning(event_id);
  MIXMATCH_RETURN_IF_ERROR(store_.Commit(std::move(batch), /*sync=*/false));
  unsaved_ = true;
  Log::Info("learned {} events: gather {:.2f} s, solve {:.2f} s, publish {:.2f} s; generation {}", changed.size(),
            absl::ToDoubleSeconds(related - begin), absl::ToDoubleSeconds(solve_end - related),
            absl::ToDoubleSeconds(end - solve_end), live_.Current()->generation);
  absl::MutexLock lock(&mutex_);
  const auto fresh = std::count_if(changed.begin(), changed.end(),
                                   [](const auto& change) { return change.second > absl::InfinitePast(); });
  status_.set_events_seen(status_.events_seen() + fresh);
  if (newest > absl::InfinitePast()) {
    *status_.mutable_last_refresh_lag() =
        google::protobuf::util::TimeUtil::MillisecondsToDuration(absl::ToInt64Milliseconds(end - newest));
  }
  return absl::OkStatus();
}

// A solution that began where what is gone still counted keeps a trace of it. One that begins at the seed is a function of
// the moments alone: the same as if it had never been there.
absl::Status Learner::SolveAfresh() {
  removed_ = false;
  head_->ForgetSolution();
  MIXMATCH_ASSIGN_OR_RETURN(const model::SolvedHead solved, head_->Solve());
  if (options_.random_head) return absl::OkStatus();
  const std::shared_ptr<const Serving> serving = live_.Current();
  MIXMATCH_RETURN_IF_ERROR(Publish(serving->encoder.trunk_number(), serving->encoder.trunk(), solved.maps));
  Log::Info("solved from the seed; generation {}", live_.Current()->generation);
  return absl::OkStatus();
}

model::HeadRidges Learner::ridges() const {
  absl::MutexLock lock(&mutex_);
  return ridges_;
}

absl::Status Learner::ChooseRidges() {
  const absl::Time begin = absl::Now();
  // Whatever waits goes first, a few times; whoever pauses learning does not wait for it.
  const bool patient = ridges_put_off_ >= kMostPutOff;
  const auto waits = [this, patient] {
    absl::MutexLock lock(&mutex_);
    return stop_ || paused_ || (!patient && (!changed_.empty() || !tasks_.empty()));
  };
  const absl::StatusOr<model::RidgeReport> report = head_->ChooseRidges(waits);
  ridges_put_off_ = absl::IsCancelled(report.status()) ? ridges_put_off_ + 1 : 0;
  if (ridges_put_off_ > 0) return absl::OkStatus();
  bool differ = false;
  {
    absl::MutexLock lock(&mutex_);
    if (report.ok()) {
      ridge_events_ = report->events;
      differ = Differ(ridges_, report->ridges);
      ridges_ = report->ridges;
    }
  }
  ridges_of_removed_ = false;
  ridges_failed_ = !report.ok();  // Not to be tried over and over.
  MIXMATCH_RETURN_IF_ERROR(report.status());
  unsaved_ = true;
  Log::Info("ridges chosen by {} of {} events in {:.2f} s{}", report->held_out, report->events,
            absl::ToDoubleSeconds(absl::Now() - begin), differ ? "" : "; they stay");
  return differ ? SolveAfresh() : absl::OkStatus();
}

absl::Status Learner::Relearn(const std::string& event_id, const Encoder& encoder) {
  MIXMATCH_ASSIGN_OR_RETURN(std::vector<Group> groups, GroupsOf(store_, event_id));
  const auto known = learned_.find(event_id);
  if (known != learned_.end()) {
    std::vector<Group> old = std::move(known->second);
    learned_.erase(known);
    if (LosesParts(old, groups)) removed_ = ridges_of_removed_ = true;
    MIXMATCH_RETURN_IF_ERROR(Apply(old, encoder, /*add=*/false));
  }
  if (groups.empty()) return absl::OkStatus();
  MIXMATCH_RETURN_IF_ERROR(Apply(groups, encoder, /*add=*/true));
  learned_.emplace(event_id, std::move(groups));
  return absl::OkStatus();
}

absl::Status Learner::Apply(const std::vector<Group>& groups, const Encoder& encoder, bool add) {
  std::vector<std::vector<float>> rows;
  for (const Group& group : groups) {
    for (const auto& [slot, part_id] : group.parts) {
      MIXMATCH_ASSIGN_OR_RETURN(std::vector<float> row,
                                JoinedFeatures(store_, slot, part_id, encoder.trunk_number(), *encoder.trunk()));
      rows.push_back(std::move(row));
    }
  }
  size_t next = 0;
  for (const Group& group : groups) {
    std::vector<model::EventPart> parts;
    for (const auto& [slot, part_id] : group.parts) parts.push_back({slot, rows[next++]});
    MIXMATCH_RETURN_IF_ERROR(add ? head_->Add(parts, group.weight) : head_->Remove(parts, group.weight));
  }
  return absl::OkStatus();
}

// Features of deleted parts were kept until they were unlearned. An orphan seen by the walk before the last one is
// unlearned by now: its deletion was among the changes of this cycle at the latest.
absl::Status Learner::PurgeOrphans() {
  old_orphans_ = std::exchange(orphans_, {});
  if (old_orphans_.empty()) return absl::OkStatus();
  std::unique_ptr<index::StoreBatch> batch = store_.NewBatch();
  const uint64_t trunk = live_.Current()->encoder.trunk_number();
  for (const auto& [slot, part_id] : old_orphans_) {
    batch->DeleteFeatures(slot, part_id);
    DeleteTrunkOutputs(trunk, slot, part_id, *batch);
  }
  return store_.Commit(std::move(batch), /*sync=*/false);
}

absl::Status Learner::Publish(uint64_t trunk_number, std::shared_ptr<const model::Trunk> trunk,
                              std::shared_ptr<const model::HeadMaps> maps) {
  live_.BeginPublication();
  const auto build = [&]() -> absl::StatusOr<std::shared_ptr<Serving>> {
    const std::shared_ptr<const Serving> old = live_.Current();
    std::unique_ptr<index::StoreBatch> batch = store_.NewBatch();
    batch->PutMeta(kGenerationsUsed, std::to_string(next_generation_));
    MIXMATCH_RETURN_IF_ERROR(store_.Commit(std::move(batch), /*sync=*/false));
    auto next = std::make_shared<Serving>(
        Serving{next_generation_++, Encoder(trunk_number, std::move(trunk), std::move(maps)), {}});
    orphans_.clear();
    for (int slot = 0; slot < static_cast<int>(old->slots.size()); ++slot) {
      std::vector<uint64_t> gone;
      MIXMATCH_ASSIGN_OR_RETURN(
          const MappedSlot mapped,
          MapStored(store_, slot, next->encoder, [&](uint64_t id) { return catalog_.Contains(id >> 16); }, &gone));
      for (uint64_t id : gone) orphans_.emplace_back(slot, id);
      MIXMATCH_ASSIGN_OR_RETURN(std::shared_ptr<index::SegmentedIndex> index,
                                old->slots[slot]->Refreshed(next->generation, mapped.ids, mapped.vectors));
      next->slots.push_back(std::move(index));
    }
    return next;
  };
  auto next = build();
  if (!next.ok()) {
    live_.AbandonPublication();
    return next.status();
  }
  uint64_t parts = 0;
  for (const auto& slot : (*next)->slots) parts += slot->size();
  MIXMATCH_RETURN_IF_ERROR(live_.FinishPublication(*std::move(next)));
  unsaved_ = true;
  absl::MutexLock lock(&mutex_);
  status_.set_last_refresh_parts(parts);
  Bump();
  return absl::OkStatus();
}

// A head of the encoder's trunk, with everything that was learned.
absl::Status Learner::RelearnAll(const Encoder& encoder) {
  MIXMATCH_ASSIGN_OR_RETURN(head_, NewHead(*encoder.trunk()));
  removed_ = false;
  std::vector<std::string> events;
  for (const auto& [event_id, groups] : learned_) events.push_back(event_id);
  {
    // What was learned before a restart and not looked at again since: the new head must not lack it.
    absl::MutexLock lock(&mutex_);
    for (const auto& [event_id, acked] : changed_) {
      if (acked == absl::InfinitePast() && !learned_.contains(event_id)) events.push_back(event_id);
    }
  }
  std::sort(events.begin(), events.end());
  learned_.clear();
  size_t done = 0;
  for (const std::string& event_id : events) {
    const absl::Status status = Relearn(event_id, encoder);
    if (!status.ok() && !absl::IsNotFound(status)) return status;  // Of parts without features nothing can be learned.
    if (++done % kFoldEvery == 0) MIXMATCH_RETURN_IF_ERROR(head_->Fold());
  }
  return absl::OkStatus();
}

absl::Status Learner::AdoptTrunk(uint64_t number, std::shared_ptr<const model::Trunk> trunk,
                                 const v1::TrunkRecord& record, const v1::TrainingSample& sample, bool on_trial) {
  return RunTask([this, number, trunk, record, sample, on_trial]() -> absl::Status {
    const uint64_t old = live_.Current()->encoder.trunk_number();
    const int slots = trunk->config().slots;
    MIXMATCH_RETURN_IF_ERROR(checkpoint_.SaveTrunk(number, *trunk));
    if (old != number) {
      MIXMATCH_ASSIGN_OR_RETURN(const std::vector<SlotEstimate> estimates,
                                EstimateTrunkOutputs(store_, old, number, slots));
      for (int slot = 0; slot < slots; ++slot) {
        const SlotEstimate& estimate = estimates[slot];
        Log::Info("trunk {}, slot {}: {} parts estimated from {} anchors, agreement {:.3f}", number, slot,
                  estimate.estimated, estimate.anchors, estimate.agreement);
      }
    }
    const Encoder encoder(number, trunk, live_.Current()->encoder.head());
    {
      absl::MutexLock lock(&mutex_);
      ridge_events_ = 0;  // Ridges are due: of another trunk's output the old ones say little.
    }
    MIXMATCH_RETURN_IF_ERROR(RelearnAll(encoder));
    MIXMATCH_ASSIGN_OR_RETURN(model::SolvedHead solved, head_->Solve());
    MIXMATCH_RETURN_IF_ERROR(Publish(number, trunk, solved.maps));
    std::vector<uint64_t> unused;  // Trunks whose outputs nobody will ask for.
    {
      absl::MutexLock lock(&mutex_);
      for (v1::TrunkRecord& other : history_) {
        if (!on_trial && other.current() && other.trunk() == old && old != number) other.set_rolled_back(true);
        other.set_current(false);
      }
      const auto known = std::find_if(history_.begin(), history_.end(), [&](const v1::TrunkRecord& other) {
        return other.published() && other.trunk() == number;
      });
      if (known != history_.end()) {
        known->set_current(true);
        known->set_rolled_back(false);
      } else {
        history_.push_back(record);
        history_.back().set_current(true);
      }
      unused = {old, trial_.trunk(), trial_.previous()};
      trial_.Clear();
      if (on_trial) {
        trial_.set_trunk(number);
        trial_.set_previous(old);
      }
      unused.erase(std::remove_if(unused.begin(), unused.end(),
                                  [&](uint64_t one) { return one == number || (on_trial && one == old); }),
                   unused.end());
      AddSample(sample);
      Bump();
    }
    SaveCheckpoint().IgnoreError();
    std::unique_ptr<index::StoreBatch> batch = store_.NewBatch();
    for (uint64_t one : unused) DeleteAllTrunkOutputs(one, slots, *batch);
    return store_.Commit(std::move(batch), /*sync=*/false);
  });
}

storage::v1::TrunkTrial Learner::trial() const {
  absl::MutexLock lock(&mutex_);
  return trial_;
}

absl::Status Learner::EndTrial() {
  return RunTask([this]() -> absl::Status {
    storage::v1::TrunkTrial ended;
    {
      absl::MutexLock lock(&mutex_);
      ended.Swap(&trial_);
    }
    if (ended.trunk() == ended.previous()) return absl::OkStatus();
    SaveCheckpoint().IgnoreError();
    std::unique_ptr<index::StoreBatch> batch = store_.NewBatch();
    DeleteAllTrunkOutputs(ended.previous(), live_.Current()->encoder.trunk()->config().slots, *batch);
    return store_.Commit(std::move(batch), /*sync=*/false);
  });
}

absl::Status Learner::ReplaceEstimates(uint64_t trunk_number, std::vector<EncodedPart> parts) {
  return RunTask([this, trunk_number, &parts] { return DoReplaceEstimates(trunk_number, parts); });
}

// The moments must lose what they were given: events are unlearned before their features change.
absl::Status Learner::DoReplaceEstimates(uint64_t trunk_number, absl::Span<const EncodedPart> parts) {
  const std::shared_ptr<const Serving> serving = live_.Current();
  if (serving->encoder.trunk_number() != trunk_number) return absl::OkStatus();
  absl::flat_hash_set<uint64_t> ids;
  for (const EncodedPart& part : parts) ids.insert(part.part_id);
  std::vector<std::string> touched;
  for (const auto& [event_id, groups] : learned_) {
    const bool has = std::any_of(groups.begin(), groups.end(), [&](const Group& group) {
      return std::any_of(group.parts.begin(), group.parts.end(),
                         [&](const auto& slot_and_part) { return ids.contains(slot_and_part.second); });
    });
    if (has) touched.push_back(event_id);
  }
  for (const std::string& event_id : touched) {
    MIXMATCH_RETURN_IF_ERROR(Apply(learned_[event_id], serving->encoder, /*add=*/false));
    learned_.erase(event_id);
  }
  std::unique_ptr<index::StoreBatch> batch = store_.NewBatch();
  for (const EncodedPart& part : parts) {
    DeleteTrunkOutputs(trunk_number, part.slot, part.part_id, *batch);
    if (!catalog_.Contains(part.part_id >> 16)) continue;
    batch->PutTrunkFeatures(TrunkKey(trunk_number, part.slot), part.part_id, part.trunk_features);
  }
  MIXMATCH_RETURN_IF_ERROR(store_.Commit(std::move(batch), /*sync=*/false));
  absl::MutexLock lock(&mutex_);
  for (const std::string& event_id : touched) Enqueue(event_id, absl::InfinitePast());
  return absl::OkStatus();
}

void Learner::NoteUndescribed(int64_t items) {
  absl::MutexLock lock(&mutex_);
  status_.set_items_undescribed(items);
  Bump();
}

void Learner::NoteEstimated(int64_t parts) {
  absl::MutexLock lock(&mutex_);
  status_.set_parts_estimated(parts);
  Bump();
}

void Learner::NoteRefused(const v1::TrunkRecord& record, const v1::TrainingSample& sample) {
  absl::MutexLock lock(&mutex_);
  history_.push_back(record);
  AddSample(sample);
  status_.set_publications_refused(status_.publications_refused() + 1);
  Bump();
}

absl::Status Learner::Republish(bool relearn) {
  return RunTask([this, relearn]() -> absl::Status {
    const std::shared_ptr<const Serving> serving = live_.Current();
    std::shared_ptr<const model::HeadMaps> maps = serving->encoder.head();
    if (relearn && options_.enabled) {
      MIXMATCH_RETURN_IF_ERROR(RelearnAll(serving->encoder));
      MIXMATCH_ASSIGN_OR_RETURN(model::SolvedHead solved, head_->Solve());
      if (!options_.random_head) maps = solved.maps;
    }
    return Publish(serving->encoder.trunk_number(), serving->encoder.trunk(), maps);
  });
}

absl::Status Learner::RunTask(std::function<absl::Status()> run) {
  auto task = std::make_shared<Task>();
  task->run = std::move(run);
  absl::MutexLock lock(&mutex_);
  if (stop_) return absl::CancelledError("the server is stopping");
  tasks_.push_back(task);
  mutex_.Await(absl::Condition(&task->done));
  return task->result;
}

absl::Status Learner::SaveCheckpoint() {
  if (options_.random_head) return absl::OkStatus();
  storage::v1::Manifest manifest;
  {
    absl::MutexLock lock(&mutex_);
    manifest.mutable_trunks()->Assign(history_.begin(), history_.end());
    manifest.mutable_samples()->Assign(journal_.samples().begin(), journal_.samples().end());
    manifest.set_events_seen(status_.events_seen());
    manifest.set_publications_refused(status_.publications_refused());
    manifest.set_paused(paused_);
    for (const std::vector<double>& blocks : ridges_) {
      manifest.add_ridges()->mutable_blocks()->Assign(blocks.begin(), blocks.end());
    }
    manifest.set_ridge_events(ridge_events_);
    manifest.set_pinned(pinned_);
    if (trial_.trunk() != trial_.previous()) *manifest.mutable_trial() = trial_;
  }
  const absl::Time begin = absl::Now();
  const absl::Status status = checkpoint_.Save(*live_.Current(), std::move(manifest));
  last_save_ = absl::Now();
  if (!status.ok()) {
    Log::Error("{}; what was acknowledged is safe, a restart will take longer", status.ToString());
    return status;
  }
  unsaved_ = false;
  Log::Info("checkpoint of generation {} in {:.2f} s", live_.Current()->generation,
            absl::ToDoubleSeconds(last_save_ - begin));
  return absl::OkStatus();
}

absl::Status Learner::WithCheckpoint(std::function<absl::Status()> then) {
  return RunTask([this, then = std::move(then)]() -> absl::Status {
    MIXMATCH_RETURN_IF_ERROR(SaveCheckpoint());
    return then();
  });
}

absl::Status Learner::SetPinned(bool pinned) {
  return RunTask([this, pinned]() -> absl::Status {
    {
      absl::MutexLock lock(&mutex_);
      pinned_ = pinned;
      Bump();
    }
    return SaveCheckpoint();
  });
}

bool Learner::pinned() const {
  absl::MutexLock lock(&mutex_);
  return pinned_;
}

void Learner::NoteTraining(double loss, int64_t steps) {
  absl::MutexLock lock(&mutex_);
  status_.set_trunk_loss(loss);
  status_.set_trunk_steps(steps);
  if (journal_.Due(steps)) {
    v1::TrainingSample sample;
    sample.set_steps(steps);
    AddSample(std::move(sample));
  }
  Bump();
}

void Learner::AddSample(v1::TrainingSample sample) {
  *sample.mutable_time() = Now();
  if (status_.has_trunk_loss()) sample.set_loss(status_.trunk_loss());
  const std::shared_ptr<const Serving> serving = live_.Current();
  sample.set_trunk(serving->encoder.trunk_number());
  sample.set_generation(serving->generation);
  journal_.Add(std::move(sample));
}

void Learner::NoteProbe(double recall, int64_t pairs) {
  absl::MutexLock lock(&mutex_);
  status_.set_probe_recall(recall);
  status_.set_probe_pairs(pairs);
  Bump();
}

v1::LearningStatus Learner::Status() const {
  const std::shared_ptr<const Serving> serving = live_.Current();
  absl::MutexLock lock(&mutex_);
  v1::LearningStatus status = status_;
  const size_t queued = changed_.size() + learning_now_;
  status.set_events_queued(queued);
  status.set_generation(serving->generation);
  status.set_trunk(serving->encoder.trunk_number());
  for (size_t slot = 0; slot < ridges_.size(); ++slot) {
    v1::ModalityRidge& ridge = *status.add_ridges();
    ridge.set_modality(static_cast<v1::Modality>(model::ModalityTable()[slot]->modality()));
    ridge.set_fixed(ridges_[slot].front());
    ridge.set_trunk(ridges_[slot].back());
  }
  status.set_ridge_events(ridge_events_);
  status.set_pinned(pinned_);
  status.set_state(!options_.enabled ? v1::LEARNING_STATE_OFF
                   : paused_         ? v1::LEARNING_STATE_PAUSED
                   : queued > 0 || choosing_ ? v1::LEARNING_STATE_LEARNING
                                     : v1::LEARNING_STATE_IDLE);
  *status.mutable_time() = Now();
  return status;
}

v1::LearningStatus Learner::WaitStatus(uint64_t& version, absl::Time deadline) const {
  {
    absl::MutexLock lock(&mutex_);
    const auto newer = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return version_ != version || stop_; };
    mutex_.AwaitWithDeadline(absl::Condition(&newer), deadline);
    version = version_;
  }
  return Status();
}

std::vector<v1::TrunkRecord> Learner::History() const {
  absl::MutexLock lock(&mutex_);
  return {history_.rbegin(), history_.rend()};
}

std::vector<v1::TrainingSample> Learner::Samples() const {
  absl::MutexLock lock(&mutex_);
  return journal_.samples();
}

}  // namespace mixmatch::server
