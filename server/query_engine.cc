#include "server/query_engine.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "proto/base/status_macros.h"

namespace mixmatch::server {
namespace {

// Searches of a batch that are encoded together: enough to fill the trunk's small batches, few enough that the first
// answers come soon and that other searches get a turn in between.
constexpr size_t kMostTogether = 16;
// So long a batch may go on with its next search without giving its turn to others first: passing turns costs more
// than a short search.
constexpr absl::Duration kLongTurn = absl::Milliseconds(1);
constexpr size_t kHitsCounted = 10;  // The first of each search: few people look further.
constexpr size_t kMostUnread = 16;  // Answers that wait for a slow client.

// Answers on their way from the threads that search to the one that writes.
class Outbox {
 public:
  // Waits while many are unread, unless closed.
  void Put(std::vector<QueryEngine::Answered> answers) {
    const auto has_room = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
      return closed_ || answers_.size() < kMostUnread;
    };
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(&has_room));
    std::move(answers.begin(), answers.end(), std::back_inserter(answers_));
  }
  // All there are; one at least.
  std::vector<QueryEngine::Answered> Take() {
    const auto has_answer = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return !answers_.empty(); };
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(&has_answer));
    return std::exchange(answers_, {});
  }
  void Close() {
    absl::MutexLock lock(&mutex_);
    closed_ = true;
  }

 private:
  absl::Mutex mutex_;
  std::vector<QueryEngine::Answered> answers_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace

QueryEngine::QueryEngine(const ServerOptions& options, index::Store& store, Catalog& catalog, LiveIndex& live,
                         Ingest& ingest, HitCounts& counts, SearchActivity& activity)
    : options_(options),
      live_(live),
      gate_(options.search.threads > 0 ? options.search.threads
                                       : std::max(1, static_cast<int>(std::thread::hardware_concurrency())),
            options.search.max_waiting),
      batcher_(gate_, absl::Microseconds(options.search.batch_window_us)),
      terms_(options, store, catalog, ingest),
      hits_(store, catalog),
      counts_(counts),
      activity_(activity) {}

void QueryEngine::Count(const absl::Status& status) {
  if (status.ok()) ++searches_;
  if (absl::IsCancelled(status) || absl::IsDeadlineExceeded(status)) ++abandoned_;
}

absl::StatusOr<v1::SearchResponse> QueryEngine::Search(const v1::SearchRequest& request, const std::string* streamed,
                                                       const SearchCall& call) {
  auto response = SearchAdmitted(request, streamed, call);
  Count(response.status());
  return response;
}

absl::StatusOr<v1::SearchResponse> QueryEngine::SearchAdmitted(const v1::SearchRequest& request,
                                                               const std::string* streamed, const SearchCall& call) {
  Query query;
  query.request = &request;
  query.streamed = streamed;
  MIXMATCH_RETURN_IF_ERROR(terms_.Check(query));
  MIXMATCH_ASSIGN_OR_RETURN(const SearchGate::Admission admission, gate_.Admit());
  const SearchActivity::Call noted(activity_);
  MIXMATCH_RETURN_IF_ERROR(call.Check());
  const absl::Time begin = absl::Now();
  StageClock clock(stages_);
  MIXMATCH_RETURN_IF_ERROR(terms_.Decode(query));
  if (!query.media.empty()) {
    clock.Lap(Stage::kDecode);
    MIXMATCH_ASSIGN_OR_RETURN(const SearchGate::Turn turn, gate_.Enter(call));
    clock.Lap(Stage::kWait);
    MIXMATCH_RETURN_IF_ERROR(terms_.Describe(query));
    clock.Lap(Stage::kDescribe);
  }
  const std::shared_ptr<const Serving> serving = live_.Current();
  MIXMATCH_RETURN_IF_ERROR(batcher_.Encode(serving, absl::MakeSpan(query.parts), call));
  const absl::Duration encoding = absl::Now() - begin;
  if (!query.parts.empty()) clock.Lap(Stage::kEncode);
  MIXMATCH_ASSIGN_OR_RETURN(const SearchGate::Turn turn, gate_.Enter(call));
  clock.Lap(Stage::kWait);
  return Finish(query, *serving, encoding, call);
}

absl::StatusOr<v1::SearchResponse> QueryEngine::Finish(Query& query, const Serving& serving, absl::Duration encoding,
                                                       const SearchCall& call) {
  const absl::Time begin = absl::Now();
  MIXMATCH_RETURN_IF_ERROR(terms_.Combine(serving, query));
  MIXMATCH_ASSIGN_OR_RETURN(std::vector<v1::Hit> hits, hits_.Find(query, serving, call));
  std::vector<uint64_t> found;
  for (size_t i = 0; i < std::min(hits.size(), kHitsCounted); ++i) found.push_back(hits[i].part().part_id());
  counts_.Add(found);
  v1::SearchResponse response;
  response.mutable_hits()->Reserve(static_cast<int>(hits.size()));
  for (v1::Hit& hit : hits) *response.add_hits() = std::move(hit);
  response.set_generation(serving.generation);
  for (v1::Modality modality : query.modalities) response.add_query_modalities(modality);
  response.set_encode_milliseconds(absl::ToDoubleMilliseconds(encoding));
  const absl::Duration searching = absl::Now() - begin;
  stages_.Add(Stage::kSearch, searching);
  response.set_search_milliseconds(absl::ToDoubleMilliseconds(searching));
  return response;
}

void QueryEngine::SearchTogether(absl::Span<const v1::SearchRequest* const> requests, size_t first_place,
                                 const Serving& serving, const SearchCall& call, const Put& put) {
  const absl::Time begin = absl::Now();
  std::vector<Query> queries(requests.size());
  std::vector<absl::Status> states(requests.size());
  std::vector<EncodedPart> parts;
  const auto describe = [&](Query& query) -> absl::Status {
    MIXMATCH_RETURN_IF_ERROR(terms_.Check(query));
    MIXMATCH_RETURN_IF_ERROR(call.Check());
    StageClock clock(stages_);
    MIXMATCH_RETURN_IF_ERROR(terms_.Decode(query));
    if (query.media.empty()) return absl::OkStatus();
    clock.Lap(Stage::kDecode);
    MIXMATCH_ASSIGN_OR_RETURN(const SearchGate::Turn turn, gate_.Enter(call));
    clock.Lap(Stage::kWait);
    const absl::Status described = terms_.Describe(query);
    clock.Lap(Stage::kDescribe);
    return described;
  };
  for (size_t i = 0; i < queries.size(); ++i) {
    queries[i].request = requests[i];
    states[i] = describe(queries[i]);
    if (states[i].ok()) std::move(queries[i].parts.begin(), queries[i].parts.end(), std::back_inserter(parts));
  }
  const auto encode = [&]() -> absl::Status {
    if (parts.empty()) return absl::OkStatus();
    StageClock clock(stages_);
    MIXMATCH_ASSIGN_OR_RETURN(const SearchGate::Turn turn, gate_.Enter(call));
    clock.Lap(Stage::kWait);
    const absl::Status done = serving.encoder.EncodeAll(absl::MakeSpan(parts));
    clock.Lap(Stage::kEncode);
    return done;
  };
  const absl::Status encoded = encode();
  const absl::Duration encoding = absl::Now() - begin;
  auto from = parts.begin();
  for (size_t i = 0; i < queries.size(); ++i) {
    if (!states[i].ok()) continue;
    Query& query = queries[i];
    std::move(from, from + static_cast<ptrdiff_t>(query.parts.size()), query.parts.begin());
    from += static_cast<ptrdiff_t>(query.parts.size());
    if (!query.parts.empty()) states[i] = encoded;
  }
  for (size_t first = 0; first < queries.size();) {
    std::vector<Answered> some = FinishSome(absl::MakeSpan(queries), states, first, serving, encoding, call);
    first += some.size();
    for (Answered& answered : some) answered.place += first_place;
    put(std::move(some));  // May wait for the client, so without a turn.
  }
}

std::vector<QueryEngine::Answered> QueryEngine::FinishSome(absl::Span<Query> queries,
                                                           const std::vector<absl::Status>& states, size_t first,
                                                           const Serving& serving, absl::Duration encoding,
                                                           const SearchCall& call) {
  std::vector<Answered> some;
  StageClock clock(stages_);
  const auto turn = gate_.Enter(call);
  clock.Lap(Stage::kWait);
  const absl::Time begin = absl::Now();
  for (size_t i = first; i == first || (i < queries.size() && absl::Now() - begin < kLongTurn); ++i) {
    const auto finish = [&]() -> absl::StatusOr<v1::SearchResponse> {
      MIXMATCH_RETURN_IF_ERROR(states[i]);
      MIXMATCH_RETURN_IF_ERROR(turn.status());
      MIXMATCH_RETURN_IF_ERROR(call.Check());
      return Finish(queries[i], serving, encoding, call);
    };
    some.push_back({i, finish()});
    Count(some.back().response.status());
  }
  return some;
}

absl::Status QueryEngine::BatchSearch(const v1::BatchSearchRequest& request, const SearchCall& call,
                                      const Answer& answer) {
  const size_t count = request.searches_size();
  if (count < 1 || count > static_cast<size_t>(options_.search.max_batch)) {
    return absl::InvalidArgumentError(absl::StrCat("searches: got ", count, ", wanted 1 to ", options_.search.max_batch,
                                                   "; send them in several calls, or raise --max-batch-queries"));
  }
  MIXMATCH_ASSIGN_OR_RETURN(const SearchGate::Admission admission, gate_.Admit());
  const SearchActivity::Call noted(activity_);
  const std::shared_ptr<const Serving> serving = live_.Current();
  std::vector<const v1::SearchRequest*> all;
  for (const v1::SearchRequest& search : request.searches()) all.push_back(&search);

  std::atomic<bool> given_up{false};
  SearchCall inner = call;
  inner.cancelled = [&] { return given_up || (call.cancelled && call.cancelled()); };
  const size_t share = (count + gate_.threads() - 1) / gate_.threads();
  const size_t together = std::min(share, kMostTogether);
  const size_t groups = (count + together - 1) / together;
  std::atomic<size_t> next{0};
  const auto work = [&](const Put& put) {
    for (size_t group = next++; group < groups; group = next++) {
      const size_t first = group * together;
      SearchTogether(absl::MakeConstSpan(all).subspan(first, together), first, *serving, inner, put);
    }
  };
  if (gate_.admitted() >= gate_.threads()) {  // Others keep the processors busy: no thread need wait for another.
    work([&](std::vector<Answered> ready) { given_up = given_up || !answer(std::move(ready)); });
  } else {
    Outbox outbox;
    std::vector<std::thread> threads;
    for (size_t i = 0; i < std::min<size_t>(gate_.threads(), groups); ++i) {
      threads.emplace_back([&] { work([&](std::vector<Answered> ready) { outbox.Put(std::move(ready)); }); });
    }
    for (size_t told = 0; told < count;) {
      std::vector<Answered> ready = outbox.Take();
      told += ready.size();
      if (given_up || answer(std::move(ready))) continue;
      given_up = true;
      outbox.Close();
    }
    for (std::thread& thread : threads) thread.join();
  }
  MIXMATCH_RETURN_IF_ERROR(call.Check());
  return given_up ? absl::CancelledError("search: the client went away") : absl::OkStatus();
}

}  // namespace mixmatch::server
