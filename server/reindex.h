// The operation that makes vectors anew: from stored features, from stored tokens, or from content.
#ifndef MIXMATCH_SERVER_REINDEX_H_
#define MIXMATCH_SERVER_REINDEX_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "index/store/store.h"
#include "server/catalog.h"
#include "server/ingest.h"
#include "server/learner.h"
#include "server/live_index.h"
#include "server/operations.h"

namespace mixmatch::server {

// Stateless over the rooms, which outlive it.
class Reindex {
 public:
  static constexpr char kKind[] = "reindex";

  Reindex(index::Store& store, Catalog& catalog, LiveIndex& live, Learner& learner, Ingest& ingest)
      : store_(store), catalog_(catalog), live_(live), learner_(learner), ingest_(ingest) {}

  // What Operations::Begin takes, with the place to begin at where an earlier one is gone on with. INVALID_ARGUMENT;
  // NOT_FOUND or FAILED_PRECONDITION: that one cannot be gone on with.
  absl::StatusOr<storage::v1::OperationRecord> Prepare(const v1::ReindexRequest& request,
                                                       const Operations& operations) const;

  absl::Status Run(OperationRun& run);

  // Decodes the item's content again and replaces what was made from it; its vectors are those of the current generation, and
  // nothing is learned from it yet. Parts keep their ids. NOT_FOUND: it was deleted. FAILED_PRECONDITION: it would be cut into
  // other parts, and is left as it is, since events may name them. Words in pictures follow the other parts: where another
  // number of them is read than before, those that were there are left.
  absl::Status ReindexItem(uint64_t item_id);

 private:
  absl::StatusOr<uint64_t> Count(const v1::ReindexRequest& request) const;
  absl::Status FromContent(const v1::ReindexRequest& request, OperationRun& run);
  absl::Status FromTokens(const v1::ReindexRequest& request, OperationRun& run);

  index::Store& store_;
  Catalog& catalog_;
  LiveIndex& live_;
  Learner& learner_;
  Ingest& ingest_;
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_REINDEX_H_
