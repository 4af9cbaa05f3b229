// Answers searches, one by one or many in one call: admits, encodes, searches, in turns.
#ifndef MIXMATCH_SERVER_QUERY_ENGINE_H_
#define MIXMATCH_SERVER_QUERY_ENGINE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "index/store/store.h"
#include "mixmatch/v1/search_service.pb.h"
#include "server/catalog.h"
#include "server/encode_batcher.h"
#include "server/hit_counts.h"
#include "server/hit_search.h"
#include "server/ingest.h"
#include "server/live_index.h"
#include "server/options.h"
#include "server/query_terms.h"
#include "server/search_activity.h"
#include "server/search_call.h"
#include "server/search_gate.h"
#include "server/telemetry/stage_times.h"

namespace mixmatch::server {

// Thread-safe. Every answer is of one generation. Both calls end early with CANCELLED or DEADLINE_EXCEEDED where `call`
// did, and are refused with RESOURCE_EXHAUSTED (see SearchGate) where too many wait.
class QueryEngine {
 public:
  // `counts` is told what is found, `activity` of calls that search.
  QueryEngine(const ServerOptions& options, index::Store& store, Catalog& catalog, LiveIndex& live, Ingest& ingest,
              HitCounts& counts, SearchActivity& activity);

  // Runs on the calling thread. `streamed`: content that came beside the request (StreamSearch); null if there is none.
  absl::StatusOr<v1::SearchResponse> Search(const v1::SearchRequest& request, const std::string* streamed,
                                            const SearchCall& call = {});

  struct Answered {
    size_t place;  // In the request.
    absl::StatusOr<v1::SearchResponse> response;
  };
  // Calls `answer` on the calling thread with one or more answers that are ready, until it had one to each search; all
  // in one generation. It may take its time; when it returns false, the rest is given up. Not OK only where the call as
  // a whole has no answer: INVALID_ARGUMENT on a bad number of searches.
  using Answer = std::function<bool(std::vector<Answered> ready)>;
  absl::Status BatchSearch(const v1::BatchSearchRequest& request, const SearchCall& call, const Answer& answer);

  uint64_t searches() const { return searches_; }    // Answered with hits or none.
  uint64_t abandoned() const { return abandoned_; }  // Given up because the call ended.
  const SearchGate& gate() const { return gate_; }
  const StageTimes& stages() const { return stages_; }

 private:
  absl::StatusOr<v1::SearchResponse> SearchAdmitted(const v1::SearchRequest& request, const std::string* streamed,
                                                    const SearchCall& call);
  // Part of a batch, from `first_place` on: searches that are encoded together. Gives each one's answer to `put`.
  using Put = std::function<void(std::vector<Answered>)>;
  void SearchTogether(absl::Span<const v1::SearchRequest* const> requests, size_t first_place, const Serving& serving,
                      const SearchCall& call, const Put& put);
  // In one turn, which is not a long one: from encoded terms to answers, of the queries from `first` on; at least one.
  // `states` says which queries have failed already.
  std::vector<Answered> FinishSome(absl::Span<Query> queries, const std::vector<absl::Status>& states, size_t first,
                                   const Serving& serving, absl::Duration encoding, const SearchCall& call);
  // With a turn: from encoded terms to the answer.
  absl::StatusOr<v1::SearchResponse> Finish(Query& query, const Serving& serving, absl::Duration encoding,
                                            const SearchCall& call);
  void Count(const absl::Status& status);

  const ServerOptions& options_;
  LiveIndex& live_;
  SearchGate gate_;
  EncodeBatcher batcher_;
  QueryTerms terms_;
  HitSearch hits_;
  HitCounts& counts_;
  SearchActivity& activity_;
  StageTimes stages_;
  std::atomic<uint64_t> searches_{0}, abandoned_{0};
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_QUERY_ENGINE_H_
