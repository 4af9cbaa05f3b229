// From the terms of a query to its vector, in the stages between which a search waits for others.
#ifndef MIXMATCH_SERVER_QUERY_TERMS_H_
#define MIXMATCH_SERVER_QUERY_TERMS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/store/store.h"
#include "mixmatch/v1/search_service.pb.h"
#include "model/media/decoded.h"
#include "server/catalog.h"
#include "server/encoder.h"
#include "server/ingest.h"
#include "server/live_index.h"
#include "server/options.h"

namespace mixmatch::server {

// A search on its way. `request` and `streamed` outlive it.
struct Query {
  const v1::SearchRequest* request = nullptr;
  const std::string* streamed = nullptr;  // Content that came beside the request, a last term; null if there is none.

  // Of content terms, in their order:
  std::vector<model::DecodedMedia> media;   // by Decode, until Describe takes it;
  std::vector<v1::Modality> modalities;     // by Decode;
  std::vector<EncodedPart> parts;           // by Describe, one content's after the other's;
  std::vector<size_t> ends;                 // where each one's parts end.

  absl::flat_hash_set<uint64_t> items;      // By Combine: items that are terms, or whose parts are.
  std::vector<float> vector;                // By Combine: unit length.
};

// Thread-safe; a Query is used by one thread at a time. Errors are those of SearchService.Search.
class QueryTerms {
 public:
  QueryTerms(const ServerOptions& options, index::Store& store, Catalog& catalog, Ingest& ingest)
      : options_(options), store_(store), catalog_(catalog), ingest_(ingest) {}

  absl::Status Check(const Query& query) const;
  // Waits for a decoder where content is not text.
  absl::Status Decode(Query& query) const;
  // Features and tokens of the content's parts. Computes.
  absl::Status Describe(Query& query) const;
  // The query's vector, from encoded parts and from what is stored. Reads the store.
  absl::Status Combine(const Serving& serving, Query& query) const;

 private:
  absl::StatusOr<model::DecodedMedia> DecodeOne(const v1::Content& content) const;
  absl::StatusOr<std::vector<float>> TermVector(const v1::QueryTerm& term, const Serving& serving, Query& query) const;
  absl::StatusOr<std::vector<float>> ItemVector(uint64_t item_id, const Serving& serving, Query& query) const;

  const ServerOptions& options_;
  index::Store& store_;
  Catalog& catalog_;
  Ingest& ingest_;
};

// The vector of a stored part. NOT_FOUND if there is none.
absl::StatusOr<std::vector<float>> PartVector(const Serving& serving, uint64_t part_id);

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_QUERY_TERMS_H_
