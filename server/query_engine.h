// Answers searches: encodes the terms, searches the slots, filters, gathers, fills hits.
#ifndef MIXMATCH_SERVER_QUERY_ENGINE_H_
#define MIXMATCH_SERVER_QUERY_ENGINE_H_

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "index/store/store.h"
#include "mixmatch/v1/search_service.pb.h"
#include "server/catalog.h"
#include "server/ingest.h"
#include "server/item_filter.h"
#include "server/live_index.h"
#include "server/options.h"

namespace mixmatch::server {

// Thread-safe. Runs on the calling thread; every answer is of one generation.
class QueryEngine {
 public:
  QueryEngine(const ServerOptions& options, index::Store& store, Catalog& catalog, LiveIndex& live, Ingest& ingest)
      : options_(options), store_(store), catalog_(catalog), live_(live), ingest_(ingest) {}

  // `streamed`: content that came beside the request (StreamSearch); null if there is none.
  absl::StatusOr<v1::SearchResponse> Search(const v1::SearchRequest& request, const std::string* streamed);

  uint64_t searches() const { return searches_; }

 private:
  struct Query {
    std::vector<float> vector;
    std::vector<v1::Modality> modalities;            // Of content terms.
    absl::flat_hash_set<uint64_t> items;             // Items that are terms.
  };
  absl::Status CheckRequest(const v1::SearchRequest& request, bool streamed) const;
  absl::StatusOr<Query> MakeQuery(const v1::SearchRequest& request, const std::string* streamed, const Serving& serving);
  absl::StatusOr<std::vector<float>> TermVector(const v1::QueryTerm& term, const Serving& serving, Query& query);
  absl::StatusOr<std::vector<float>> ContentVector(const v1::Content& content, const Serving& serving, Query& query);
  absl::StatusOr<std::vector<float>> ItemVector(uint64_t item_id, const Serving& serving, Query& query);
  absl::StatusOr<std::vector<float>> PartVector(uint64_t part_id, const Serving& serving) const;
  absl::StatusOr<std::vector<v1::Hit>> Hits(const v1::SearchRequest& request, const Query& query,
                                            const Serving& serving) const;
  std::vector<v1::Hit> Gather(const v1::SearchRequest& request, const std::vector<index::Neighbor>& neighbors) const;

  const ServerOptions& options_;
  index::Store& store_;
  Catalog& catalog_;
  LiveIndex& live_;
  Ingest& ingest_;
  std::atomic<uint64_t> searches_{0};
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_QUERY_ENGINE_H_
