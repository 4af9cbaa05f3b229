#include "server/encode_batcher.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

namespace mixmatch::server {
namespace {

constexpr size_t kMostParts = 16;  // Encoded in one go: what comes meanwhile waits for it.

}  // namespace

absl::Status EncodeBatcher::Encode(const std::shared_ptr<const Serving>& serving, absl::Span<EncodedPart> parts,
                                   const SearchCall& call) {
  if (parts.empty()) return absl::OkStatus();
  Job job;
  job.serving = serving.get();
  job.parts = parts;
  {
    absl::MutexLock lock(&mutex_);
    pending_.push_back(&job);
    if (window_ > absl::ZeroDuration()) {
      const absl::Time end = std::min(absl::Now() + window_, call.deadline);
      while (!job.taken && !job.finished.WaitWithDeadline(&mutex_, end)) {
      }
    }
  }
  absl::StatusOr<SearchGate::Turn> turn = gate_.Enter(call);
  bool lead = false;
  {
    absl::MutexLock lock(&mutex_);
    if (!job.taken) {
      pending_.erase(std::find(pending_.begin(), pending_.end(), &job));
      if (!turn.ok()) return turn.status();
      job.taken = lead = true;
    }
  }
  if (lead) {
    Lead(job);
    return job.status;
  }
  // Another has it in hand and writes to `parts`: it has to be awaited, without the turn.
  turn = absl::CancelledError();
  absl::MutexLock lock(&mutex_);
  while (!job.done) job.finished.Wait(&mutex_);
  return job.status;
}

void EncodeBatcher::Lead(Job& own) {
  std::vector<Job*> jobs = {&own};
  {
    absl::MutexLock lock(&mutex_);
    // A fair share, so that other threads have something to encode too.
    const size_t share = (pending_.size() + gate_.threads()) / gate_.threads();
    size_t parts = own.parts.size();
    for (auto it = pending_.begin(); it != pending_.end() && jobs.size() < share && parts < kMostParts;) {
      if ((*it)->serving != own.serving) {
        ++it;
        continue;
      }
      parts += (*it)->parts.size();
      (*it)->taken = true;
      jobs.push_back(*it);
      it = pending_.erase(it);
    }
  }
  absl::Status status;
  if (jobs.size() == 1) {
    status = own.serving->encoder.EncodeAll(own.parts);
  } else {
    std::vector<EncodedPart> all;
    for (Job* job : jobs) std::move(job->parts.begin(), job->parts.end(), std::back_inserter(all));
    status = own.serving->encoder.EncodeAll(absl::MakeSpan(all));
    auto from = all.begin();
    for (Job* job : jobs) {
      std::move(from, from + static_cast<ptrdiff_t>(job->parts.size()), job->parts.begin());
      from += static_cast<ptrdiff_t>(job->parts.size());
    }
  }
  ++batches_;
  encoded_ += jobs.size();
  absl::MutexLock lock(&mutex_);
  for (Job* job : jobs) {
    job->status = status;
    job->done = true;
    job->finished.Signal();
  }
}

}  // namespace mixmatch::server
