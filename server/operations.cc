#include "server/operations.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "google/protobuf/util/time_util.h"
#include "proto/base/status_macros.h"
#include "server/log.h"
#include "server/thread_priority.h"

namespace mixmatch::server {
namespace {

constexpr int kNiceness = 10;
constexpr int kMostFindings = 1000;
constexpr absl::Duration kLook = absl::Milliseconds(50);  // How soon the end of a rest is seen.

// Behind the last '-'; 0 if there is none.
uint64_t Number(const std::string& id) {
  uint64_t number = 0;
  const size_t dash = id.rfind('-');
  return dash != std::string::npos && absl::SimpleAtoi(id.substr(dash + 1), &number) ? number : 0;
}

google::protobuf::Timestamp Now() { return google::protobuf::util::TimeUtil::GetCurrentTime(); }

void End(const absl::Status& status, v1::Operation& operation) {
  *operation.mutable_end_time() = Now();
  operation.set_state(status.ok()                   ? v1::OPERATION_STATE_SUCCEEDED
                      : absl::IsCancelled(status) ? v1::OPERATION_STATE_CANCELLED
                                                  : v1::OPERATION_STATE_FAILED);
  if (!status.ok() && !absl::IsCancelled(status)) operation.set_error(std::string(status.message()));
}

}  // namespace

storage::v1::OperationRecord OperationRun::record() const {
  absl::MutexLock lock(&operations_.mutex_);
  return operations_.records_[number_];
}

std::atomic<bool>& OperationRun::stop() { return operations_.stop_; }

absl::Status OperationRun::Check() {
  return operations_.stop_ ? absl::CancelledError("cancelled") : absl::OkStatus();
}

absl::Status OperationRun::Rest(absl::Duration duration) {
  const absl::Time end = absl::Now() + duration;
  while (absl::Now() < end) {
    MIXMATCH_RETURN_IF_ERROR(Check());
    absl::SleepFor(std::min(kLook, end - absl::Now()));
  }
  return Check();
}

void OperationRun::SetProgress(uint64_t done, uint64_t total) {
  absl::MutexLock lock(&operations_.mutex_);
  v1::Operation& operation = *operations_.records_[number_].mutable_operation();
  operation.set_done(done);
  operation.set_total(total);
}

void OperationRun::AddFinding(v1::Finding finding) {
  absl::MutexLock lock(&operations_.mutex_);
  v1::Operation& operation = *operations_.records_[number_].mutable_operation();
  if (operation.findings_size() < kMostFindings) *operation.add_findings() = std::move(finding);
  operation.set_findings_total(operation.findings_total() + 1);
}

void OperationRun::SetBackup(const v1::BackupSet& set) {
  absl::MutexLock lock(&operations_.mutex_);
  *operations_.records_[number_].mutable_operation()->mutable_backup() = set;
}

absl::Status OperationRun::Note(uint64_t next_part_id) {
  {
    absl::MutexLock lock(&operations_.mutex_);
    operations_.records_[number_].set_next_part_id(next_part_id);
  }
  return operations_.Put(number_, /*sync=*/false);
}

Operations::~Operations() { Stop(); }

absl::Status Operations::Start() {
  std::vector<uint64_t> running;
  {
    absl::MutexLock lock(&mutex_);
    MIXMATCH_RETURN_IF_ERROR(store_.ForEachOperation([&](const Record& record) ABSL_NO_THREAD_SAFETY_ANALYSIS {
      records_[Number(record.operation().operation_id())] = record;
      return true;
    }));
    for (auto& [number, record] : records_) {
      if (record.operation().state() == v1::OPERATION_STATE_RUNNING) running.push_back(number);
    }
  }
  for (uint64_t number : running) {
    OperationWork work;
    {
      absl::MutexLock lock(&mutex_);
      v1::Operation& operation = *records_[number].mutable_operation();
      const auto known = works_.find(operation.kind());
      if (known != works_.end() && number == running.back()) {
        work = known->second;
        operation.set_resumed(operation.resumed() + 1);
        operation.clear_findings();
        operation.clear_findings_total();
      } else {
        End(absl::AbortedError("the server was stopped meanwhile; begin it again"), operation);
      }
    }
    MIXMATCH_RETURN_IF_ERROR(Put(number, /*sync=*/false));
    if (work != nullptr) thread_ = std::thread([this, number, work = std::move(work)] { Run(number, work); });
  }
  return absl::OkStatus();
}

void Operations::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    stop_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

const Operations::Record* Operations::Find(const std::string& id) const {
  const auto found = records_.find(Number(id));
  return found != records_.end() && found->second.operation().operation_id() == id ? &found->second : nullptr;
}

absl::StatusOr<storage::v1::OperationRecord> Operations::GetRecord(const std::string& id) const {
  absl::MutexLock lock(&mutex_);
  const Record* const found = Find(id);
  if (found == nullptr) return absl::NotFoundError("operation_id: no such operation; see ListOperations");
  return *found;
}

absl::StatusOr<v1::Operation> Operations::Get(const std::string& id) const {
  MIXMATCH_ASSIGN_OR_RETURN(const Record record, GetRecord(id));
  return record.operation();
}

std::vector<v1::Operation> Operations::List() const {
  absl::MutexLock lock(&mutex_);
  std::vector<v1::Operation> operations;
  for (auto it = records_.rbegin(); it != records_.rend(); ++it) operations.push_back(it->second.operation());
  return operations;
}

absl::StatusOr<v1::Operation> Operations::Cancel(const std::string& id) {
  absl::MutexLock lock(&mutex_);
  const Record* const found = Find(id);
  if (found == nullptr) return absl::NotFoundError("operation_id: no such operation; see ListOperations");
  if (found->operation().state() == v1::OPERATION_STATE_RUNNING) stop_ = true;
  return found->operation();
}

absl::StatusOr<v1::Operation> Operations::Wait(const std::string& id, absl::Time deadline) const {
  {
    absl::MutexLock lock(&mutex_);
    const auto ended = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
      const Record* const found = Find(id);
      return stopping_ || found == nullptr || found->operation().state() != v1::OPERATION_STATE_RUNNING;
    };
    mutex_.AwaitWithDeadline(absl::Condition(&ended), deadline);
  }
  return Get(id);
}

absl::StatusOr<v1::Operation> Operations::Begin(const std::string& kind, Record request, OperationWork work) {
  if (work == nullptr) work = works_.at(kind);
  uint64_t number = 0;
  {
    absl::MutexLock lock(&mutex_);
    if (stopping_) return absl::UnavailableError("the server is stopping");
    for (const auto& [other_number, other] : records_) {
      if (other.operation().state() == v1::OPERATION_STATE_RUNNING) {
        return absl::FailedPreconditionError(
            absl::StrCat(other.operation().operation_id(), " is running already; wait for it or cancel it"));
      }
    }
    number = records_.empty() ? 1 : records_.rbegin()->first + 1;
    v1::Operation& operation = *request.mutable_operation();
    operation.set_operation_id(absl::StrCat(kind, "-", number));
    operation.set_kind(kind);
    operation.set_state(v1::OPERATION_STATE_RUNNING);
    *operation.mutable_start_time() = Now();
    records_[number] = request;
    stop_ = false;
  }
  if (const absl::Status put = Put(number, /*sync=*/true); !put.ok()) {
    absl::MutexLock lock(&mutex_);
    records_.erase(number);
    return put;
  }
  if (thread_.joinable()) thread_.join();
  thread_ = std::thread([this, number, work = std::move(work)] { Run(number, work); });
  return request.operation();
}

absl::Status Operations::Put(uint64_t number, bool sync) const {
  std::unique_ptr<index::StoreBatch> batch = store_.NewBatch();
  {
    absl::MutexLock lock(&mutex_);
    batch->PutOperation(records_.at(number));
  }
  return store_.Commit(std::move(batch), sync);
}

void Operations::Run(uint64_t number, const OperationWork& work) {
  LowerThreadPriority(kNiceness);
  OperationRun run(*this, number);
  const absl::Status status = work(run);
  {
    absl::MutexLock lock(&mutex_);
    if (stopping_ && absl::IsCancelled(status)) return;  // Still running in the store: the next start goes on.
    End(status, *records_[number].mutable_operation());
  }
  if (!status.ok()) Log::Warn("{} ended: {}", run.id(), status.ToString());
  if (const absl::Status put = Put(number, /*sync=*/true); !put.ok()) Log::Error("operation: {}", put.ToString());
}

}  // namespace mixmatch::server
