#include "server/reindex.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "model/modality/modality.h"
#include "model/parts/timed_parts.h"
#include "proto/base/status_macros.h"
#include "server/log.h"
#include "server/part_slot.h"
#include "server/trunk_outputs.h"

namespace mixmatch::server {
namespace {

constexpr uint64_t kNoteEvery = 16;      // Items.
constexpr size_t kReadAtOnce = 32;       // Parts that the trunk reads between two looks at whether to stop.
constexpr size_t kHandOver = 1024;       // Parts; each time what was learned from them is learned anew.

v1::ReindexSource SourceOf(const v1::ReindexRequest& request) {
  if (request.source() != v1::REINDEX_SOURCE_UNSPECIFIED) return request.source();
  return request.from_content() ? v1::REINDEX_SOURCE_CONTENT : v1::REINDEX_SOURCE_FEATURES;
}

bool Wanted(const v1::ReindexRequest& request, v1::Modality modality) {
  return request.modality() == v1::MODALITY_UNSPECIFIED || request.modality() == modality;
}

absl::Status CheckRequest(const v1::ReindexRequest& request) {
  if (request.modality() != v1::MODALITY_UNSPECIFIED &&
      model::SlotOf(static_cast<model::Modality>(request.modality())) < 0) {
    return absl::InvalidArgumentError(absl::StrCat("modality: got ", request.modality(), ", which has no room yet"));
  }
  if (!v1::ReindexSource_IsValid(request.source())) {
    return absl::InvalidArgumentError(absl::StrCat("source: got ", request.source(), ", wanted features, tokens or content"));
  }
  const double rate = request.max_parts_per_second();
  if (!std::isfinite(rate) || rate < 0.0) {
    return absl::InvalidArgumentError("max_parts_per_second: wanted 0 or more");
  }
  return absl::OkStatus();
}

// Rests so that no more than so many parts a second are done.
class Throttle {
 public:
  explicit Throttle(double parts_per_second) : rate_(parts_per_second) {}
  absl::Status Done(size_t parts, OperationRun& run) {
    if (rate_ <= 0.0) return run.Check();
    parts_ += parts;
    return run.Rest(began_ + absl::Seconds(static_cast<double>(parts_) / rate_) - absl::Now());
  }

 private:
  const double rate_;
  const absl::Time began_ = absl::Now();
  size_t parts_ = 0;
};

}  // namespace

absl::StatusOr<storage::v1::OperationRecord> Reindex::Prepare(const v1::ReindexRequest& request,
                                                              const Operations& operations) const {
  storage::v1::OperationRecord record;
  if (request.resume_operation_id().empty()) {
    MIXMATCH_RETURN_IF_ERROR(CheckRequest(request));
    *record.mutable_reindex() = request;
    return record;
  }
  v1::ReindexRequest rest = request;
  rest.clear_resume_operation_id();
  if (rest.ByteSizeLong() > 0) {
    return absl::InvalidArgumentError("resume_operation_id: goes on with what was asked then; leave other fields empty");
  }
  auto earlier = operations.GetRecord(request.resume_operation_id());
  if (!earlier.ok()) return absl::NotFoundError("resume_operation_id: no such operation; see ListOperations");
  const v1::OperationState state = earlier->operation().state();
  if (earlier->operation().kind() != kKind ||
      (state != v1::OPERATION_STATE_FAILED && state != v1::OPERATION_STATE_CANCELLED)) {
    return absl::FailedPreconditionError("resume_operation_id: wanted a reindex that failed or was cancelled");
  }
  *record.mutable_reindex() = earlier->reindex();
  record.set_next_part_id(earlier->next_part_id());
  record.mutable_operation()->set_done(earlier->operation().done());
  record.mutable_operation()->set_total(earlier->operation().total());
  return record;
}

absl::StatusOr<uint64_t> Reindex::Count(const v1::ReindexRequest& request) const {
  uint64_t count = 0;
  if (SourceOf(request) == v1::REINDEX_SOURCE_CONTENT) {
    for (const auto& record : catalog_.From(0, SIZE_MAX)) count += Wanted(request, record->item().modality());
    return count;
  }
  if (SourceOf(request) == v1::REINDEX_SOURCE_FEATURES) return catalog_.size();
  MIXMATCH_RETURN_IF_ERROR(store_.ForEachPart(0, [&](const storage::v1::PartRecord& record) {
    count += Wanted(request, record.part().modality());
    return true;
  }));
  return count;
}

absl::Status Reindex::Run(OperationRun& run) {
  const storage::v1::OperationRecord record = run.record();
  const v1::ReindexRequest& request = record.reindex();
  MIXMATCH_ASSIGN_OR_RETURN(const uint64_t total, Count(request));
  run.SetProgress(request.dry_run() ? 0 : std::min(record.operation().done(), total), total);
  if (request.dry_run()) return absl::OkStatus();
  MIXMATCH_RETURN_IF_ERROR(run.Check());
  switch (SourceOf(request)) {
    case v1::REINDEX_SOURCE_CONTENT:
      MIXMATCH_RETURN_IF_ERROR(FromContent(request, run));
      break;
    case v1::REINDEX_SOURCE_TOKENS:
      MIXMATCH_RETURN_IF_ERROR(FromTokens(request, run));
      break;
    default:
      break;
  }
  MIXMATCH_RETURN_IF_ERROR(learner_.Republish(/*relearn=*/true));
  run.SetProgress(total, total);
  return absl::OkStatus();
}

absl::Status Reindex::FromContent(const v1::ReindexRequest& request, OperationRun& run) {
  const storage::v1::OperationRecord record = run.record();
  const uint64_t total = record.operation().total();
  uint64_t done = record.operation().done();
  Throttle throttle(request.max_parts_per_second());
  for (uint64_t next = record.next_part_id() >> 16;;) {
    const auto items = catalog_.From(next, 1);
    if (items.empty()) return absl::OkStatus();
    const v1::Item& item = items[0]->item();
    next = item.item_id() + 1;
    if (!Wanted(request, item.modality())) continue;
    const absl::Status status = ReindexItem(item.item_id());
    if (!status.ok() && !absl::IsNotFound(status)) Log::Warn("reindex: item {}: {}", item.item_id(), status.ToString());
    ++done;
    run.SetProgress(std::min(done, total), total);
    const absl::Status rested = throttle.Done(std::max<uint32_t>(1, item.part_count()), run);
    if (done % kNoteEvery == 0 || !rested.ok()) MIXMATCH_RETURN_IF_ERROR(run.Note(next << 16));
    MIXMATCH_RETURN_IF_ERROR(rested);
  }
}

// The trunk reads all tokens again; what it made of them takes the place of what is stored, estimates too.
absl::Status Reindex::FromTokens(const v1::ReindexRequest& request, OperationRun& run) {
  const storage::v1::OperationRecord record = run.record();
  std::vector<std::pair<int, uint64_t>> parts;
  MIXMATCH_RETURN_IF_ERROR(store_.ForEachPart(record.next_part_id(), [&](const storage::v1::PartRecord& stored) {
    const int slot = SlotOf(stored.part());
    if (slot >= 0 && Wanted(request, stored.part().modality())) parts.emplace_back(slot, stored.part().part_id());
    return true;
  }));
  uint64_t done = record.operation().total() - std::min<uint64_t>(parts.size(), record.operation().total());
  Throttle throttle(request.max_parts_per_second());
  const std::shared_ptr<const Serving> serving = live_.Current();
  const uint64_t trunk = serving->encoder.trunk_number();
  std::vector<EncodedPart> read;
  for (size_t at = 0; at < parts.size();) {
    std::vector<EncodedPart> fresh;
    for (const size_t end = std::min(at + kReadAtOnce, parts.size()); at < end; ++at) {
      auto tokens = store_.GetTokens(parts[at].second);
      if (absl::IsNotFound(tokens.status())) continue;  // Deleted meanwhile.
      MIXMATCH_RETURN_IF_ERROR(tokens.status());
      fresh.emplace_back();
      fresh.back().slot = parts[at].first;
      fresh.back().part_id = parts[at].second;
      fresh.back().tokens = *std::move(tokens);
    }
    if (!fresh.empty()) MIXMATCH_RETURN_IF_ERROR(ReadByTrunk(*serving->encoder.trunk(), absl::MakeSpan(fresh)));
    const absl::Status rested = throttle.Done(fresh.size(), run);
    for (EncodedPart& part : fresh) read.push_back(std::move(part));
    if (read.size() >= kHandOver || at == parts.size() || !rested.ok()) {
      if (live_.Current()->encoder.trunk_number() != trunk) {
        return absl::AbortedError("another trunk was published meanwhile, which reads all parts itself");
      }
      done += read.size();
      MIXMATCH_RETURN_IF_ERROR(learner_.ReplaceEstimates(trunk, std::exchange(read, {})));
      run.SetProgress(std::min(done, record.operation().total()), record.operation().total());
      MIXMATCH_RETURN_IF_ERROR(run.Note(parts[at - 1].second + 1));
    }
    MIXMATCH_RETURN_IF_ERROR(rested);
  }
  return absl::OkStatus();
}

absl::Status Reindex::ReindexItem(uint64_t item_id) {
  const auto record = catalog_.Get(item_id);
  if (record == nullptr) return absl::NotFoundError("deleted");
  PartEncoder made(live_);
  MIXMATCH_RETURN_IF_ERROR(ingest_.CutStored(*record, made));
  std::vector<v1::Part> parts;
  std::vector<EncodedPart> encoded;
  made.Take(item_id, 0, &parts, &encoded);
  MIXMATCH_ASSIGN_OR_RETURN(auto stored, store_.GetParts(item_id));
  if (stored.size() != parts.size()) {
    const auto is_words = [](const v1::Part& part) { return part.kind() == v1::PART_KIND_WORDS; };
    const size_t kept = std::find_if(parts.begin(), parts.end(), is_words) - parts.begin();
    parts.resize(kept);
    encoded.resize(kept);
    while (!stored.empty() && is_words(stored.back().part())) stored.pop_back();
  }
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
