#include "server/operations.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "google/protobuf/util/time_util.h"
#include "model/modality/modality.h"
#include "model/parts/timed_parts.h"
#include "proto/base/status_macros.h"
#include "server/log.h"
#include "server/thread_priority.h"
#include "server/trunk_outputs.h"

namespace mixmatch::server {
namespace {

constexpr char kPrefix[] = "reindex-";
constexpr int kNiceness = 10;
constexpr uint64_t kNoteEvery = 16;  // Items.

uint64_t Number(const std::string& id) {
  uint64_t number = 0;
  absl::string_view rest = id;
  return absl::ConsumePrefix(&rest, kPrefix) && absl::SimpleAtoi(rest, &number) ? number : 0;
}

google::protobuf::Timestamp Now() { return google::protobuf::util::TimeUtil::GetCurrentTime(); }

}  // namespace

Operations::~Operations() { Stop(); }

absl::Status Operations::Start() {
  std::string running;
  {
    absl::MutexLock lock(&mutex_);
    MIXMATCH_RETURN_IF_ERROR(store_.ForEachOperation([&](const Record& record) ABSL_NO_THREAD_SAFETY_ANALYSIS {
      records_[Number(record.operation().operation_id())] = record;
      return true;
    }));
    for (auto& [number, record] : records_) {
      if (record.operation().state() != v1::OPERATION_STATE_RUNNING) continue;
      record.mutable_operation()->set_resumed(record.operation().resumed() + 1);
      running = record.operation().operation_id();
    }
  }
  if (!running.empty()) thread_ = std::thread([this, running] { Run(running); });
  return absl::OkStatus();
}

void Operations::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stop_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

absl::StatusOr<v1::Operation> Operations::Find(const std::string& id) const {
  const auto found = records_.find(Number(id));
  if (found == records_.end()) return absl::NotFoundError("operation_id: no such operation; see ListOperations");
  return found->second.operation();
}

absl::StatusOr<v1::Operation> Operations::Get(const std::string& id) const {
  absl::MutexLock lock(&mutex_);
  return Find(id);
}

std::vector<v1::Operation> Operations::List() const {
  absl::MutexLock lock(&mutex_);
  std::vector<v1::Operation> operations;
  for (auto it = records_.rbegin(); it != records_.rend(); ++it) operations.push_back(it->second.operation());
  return operations;
}

absl::StatusOr<v1::Operation> Operations::Cancel(const std::string& id) {
  absl::MutexLock lock(&mutex_);
  MIXMATCH_ASSIGN_OR_RETURN(v1::Operation operation, Find(id));
  if (operation.state() == v1::OPERATION_STATE_RUNNING) cancel_ = id;
  return operation;
}

absl::StatusOr<v1::Operation> Operations::Wait(const std::string& id, absl::Time deadline) const {
  absl::MutexLock lock(&mutex_);
  const auto ended = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    const auto operation = Find(id);
    return stop_ || !operation.ok() || operation->state() != v1::OPERATION_STATE_RUNNING;
  };
  mutex_.AwaitWithDeadline(absl::Condition(&ended), deadline);
  return Find(id);
}

absl::StatusOr<v1::Operation> Operations::StartReindex(const v1::ReindexRequest& request) {
  if (request.modality() != v1::MODALITY_UNSPECIFIED &&
      model::SlotOf(static_cast<model::Modality>(request.modality())) < 0) {
    return absl::InvalidArgumentError(absl::StrCat("modality: got ", request.modality(), ", which has no room yet"));
  }
  Record record;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [number, other] : records_) {
      if (other.operation().state() == v1::OPERATION_STATE_RUNNING) {
        return absl::FailedPreconditionError(
            absl::StrCat(other.operation().operation_id(), " is running already; wait for it or cancel it"));
      }
    }
    const uint64_t number = records_.empty() ? 1 : records_.rbegin()->first + 1;
    v1::Operation& operation = *record.mutable_operation();
    operation.set_operation_id(absl::StrCat(kPrefix, number));
    operation.set_kind("reindex");
    operation.set_state(v1::OPERATION_STATE_RUNNING);
    *operation.mutable_start_time() = Now();
    *record.mutable_reindex() = request;
    records_[number] = record;
  }
  MIXMATCH_RETURN_IF_ERROR(Put(record, /*sync=*/true));
  if (thread_.joinable()) thread_.join();
  thread_ = std::thread([this, id = record.operation().operation_id()] { Run(id); });
  return record.operation();
}

absl::Status Operations::Put(const Record& record, bool sync) {
  {
    absl::MutexLock lock(&mutex_);
    records_[Number(record.operation().operation_id())] = record;
  }
  std::unique_ptr<index::StoreBatch> batch = store_.NewBatch();
  batch->PutOperation(record);
  return store_.Commit(std::move(batch), sync);
}

bool Operations::Cancelled(const std::string& id) const {
  absl::MutexLock lock(&mutex_);
  return stop_ || cancel_ == id;
}

void Operations::Run(std::string id) {
  LowerThreadPriority(kNiceness);
  Record record;
  {
    absl::MutexLock lock(&mutex_);
    record = records_[Number(id)];
  }
  const absl::Status status = Reindex(record);
  {
    absl::MutexLock lock(&mutex_);
    if (stop_) return;  // Still running in the store: the next start goes on.
    cancel_.clear();
  }
  v1::Operation& operation = *record.mutable_operation();
  *operation.mutable_end_time() = Now();
  operation.set_state(status.ok()                   ? v1::OPERATION_STATE_SUCCEEDED
                      : absl::IsCancelled(status) ? v1::OPERATION_STATE_CANCELLED
                                                  : v1::OPERATION_STATE_FAILED);
  if (!status.ok() && !absl::IsCancelled(status)) operation.set_error(std::string(status.message()));
  if (const absl::Status put = Put(record, /*sync=*/true); !put.ok()) Log::Error("operation: {}", put.ToString());
}

absl::Status Operations::Reindex(Record& record) {
  v1::Operation& operation = *record.mutable_operation();
  const std::string id = operation.operation_id();
  operation.set_total(catalog_.size());
  const v1::Modality only = record.reindex().modality();
  if (!record.reindex().from_content()) {
    if (Cancelled(id)) return absl::CancelledError("cancelled");
    MIXMATCH_RETURN_IF_ERROR(learner_.Republish(/*relearn=*/true));
    operation.set_done(operation.total());
    return absl::OkStatus();
  }
  uint64_t next = record.next_part_id() >> 16;
  while (true) {
    const auto items = catalog_.From(next, 1);
    if (items.empty()) break;
    if (Cancelled(id)) {
      MIXMATCH_RETURN_IF_ERROR(Put(record, /*sync=*/false));
      return absl::CancelledError("cancelled");
    }
    const uint64_t item_id = items[0]->item().item_id();
    if (only == v1::MODALITY_UNSPECIFIED || items[0]->item().modality() == only) {
      const absl::Status status = ReindexItem(item_id);
      if (!status.ok() && !absl::IsNotFound(status)) Log::Warn("reindex: item {}: {}", item_id, status.ToString());
    }
    next = item_id + 1;
    operation.set_done(operation.done() + 1);
    record.set_next_part_id(next << 16);
    if (operation.done() % kNoteEvery == 0) MIXMATCH_RETURN_IF_ERROR(Put(record, /*sync=*/false));
  }
  return learner_.Republish(/*relearn=*/true);
}

// Decodes the content again and replaces what was made from it. Parts keep their ids where their number is the same;
// an item that would be cut differently is left as it is, since events may name its parts.
absl::Status Operations::ReindexItem(uint64_t item_id) {
  const auto record = catalog_.Get(item_id);
  if (record == nullptr) return absl::NotFoundError("deleted");
  PartEncoder made(live_);
  MIXMATCH_RETURN_IF_ERROR(ingest_.CutStored(*record, made));
  std::vector<v1::Part> parts;
  std::vector<EncodedPart> encoded;
  made.Take(item_id, 0, &parts, &encoded);
  MIXMATCH_ASSIGN_OR_RETURN(auto stored, store_.GetParts(item_id));
  // Those of a live stream are in the order in which they were whole.
  const v1::Modality modality = record->item().modality();
  if (record->item().live_state() != v1::LIVE_STATE_UNSPECIFIED) {
    std::stable_sort(stored.begin(), stored.end(), [&](const auto& a, const auto& b) {
      return model::TimedPartComesFirst(modality, a.part(), b.part());
    });
  }
  bool same = stored.size() == parts.size();
  for (size_t i = 0; same && i < parts.size(); ++i) {
    same = stored[i].part().modality() == parts[i].modality();
    encoded[i].part_id = stored[i].part().part_id();
  }
  if (!same) return absl::FailedPreconditionError("its parts would be others; upload it again");
  const auto commit = [&](const Serving& current, absl::Span<const EncodedPart> ready) {
    if (!catalog_.Contains(item_id)) return absl::NotFoundError("deleted");
    std::unique_ptr<index::StoreBatch> batch = store_.NewBatch();
    for (const EncodedPart& part : ready) {
      batch->PutVector(part.part_id, current.generation, part.vector);
      batch->PutFeatures(part.slot, part.part_id, part.features);
      DeleteTrunkOutputs(current.encoder.trunk_number(), part.slot, part.part_id, *batch);
      batch->PutTrunkFeatures(TrunkKey(current.encoder.trunk_number(), part.slot), part.part_id, part.trunk_features);
      batch->PutTokens(part.part_id, part.tokens);
    }
    return store_.Commit(std::move(batch), /*sync=*/false);
  };
  return live_.Add(std::move(encoded), made.generation(), commit);
}

}  // namespace mixmatch::server
