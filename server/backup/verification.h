// The operation that looks through everything the server keeps for what is damaged, missing or left over.
#ifndef MIXMATCH_SERVER_BACKUP_VERIFICATION_H_
#define MIXMATCH_SERVER_BACKUP_VERIFICATION_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "index/store/store.h"
#include "mixmatch/v1/admin_service.pb.h"
#include "server/catalog.h"
#include "server/checkpoint.h"
#include "server/event_book.h"
#include "server/learner.h"
#include "server/live_index.h"
#include "server/operations.h"

namespace mixmatch::server {

// Kinds of findings:
//   bad-checksum             a file of the store                           not repaired: the data in it is lost
//   unreadable-record        a record that does not parse                  not repaired
//   item-without-content, content-size, content-hash (with `content`)      not repaired
//   item-parts               an item has another number of parts than it says; not repaired, a reindex from content may
//   part-without-item        removed
//   part-without-features    not repaired, a reindex from content may
//   part-without-vector, vector-dimension, vector-generation, part-not-indexed    mapped anew from the features
//   vector-without-part, tokens-without-part     removed
//   features-without-part    removed, after all events were learned anew: a deletion leaves them until they are unlearned
//   event-member-missing     taken out of the event
//   bad-published-file       written anew from memory, if it is of the generation or trunk in use
//
// Everything is looked at as it was at one moment and again before it is called wrong, for uploads and deletes go on.
// Stateless over the rooms, which outlive it.
class Verification {
 public:
  static constexpr char kKind[] = "verify";

  Verification(index::Store& store, const Catalog& catalog, Checkpoint& checkpoint, LiveIndex& live, Learner& learner,
               EventBook& events, int dim)
      : store_(store), catalog_(catalog), checkpoint_(checkpoint), live_(live), learner_(learner), events_(events),
        dim_(dim) {}

  static storage::v1::OperationRecord Prepare(const v1::VerifyRequest& request);
  absl::Status Run(OperationRun& run);

 private:
  using Parts = absl::flat_hash_map<uint64_t, int>;  // Slot by part id.
  struct Pass;
  absl::Status CheckStoreFiles(Pass& pass);
  absl::Status CheckStoreRecords(Pass& pass);
  absl::Status CheckItems(Pass& pass);
  absl::Status CheckContent(Pass& pass, const ItemRecord& record);
  absl::Status CheckParts(Pass& pass);
  absl::Status CheckVectors(Pass& pass, const Parts& parts);
  absl::Status CheckFeatures(Pass& pass, const Parts& parts);
  absl::Status CheckEvents(Pass& pass);
  absl::Status CheckPublished(Pass& pass);

  bool PartIsGone(uint64_t part_id) const;
  absl::Status RemovePart(uint64_t part_id, int slot);
  absl::Status MapAnew(uint64_t part_id, int slot);
  absl::Status RemoveFeatures(const std::vector<std::pair<int, uint64_t>>& keys);

  index::Store& store_;
  const Catalog& catalog_;
  Checkpoint& checkpoint_;
  LiveIndex& live_;
  Learner& learner_;
  EventBook& events_;
  const int dim_;
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_BACKUP_VERIFICATION_H_
