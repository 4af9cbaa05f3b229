// Every item record in memory: what filters are evaluated on and hits are filled from.
#ifndef MIXMATCH_SERVER_CATALOG_H_
#define MIXMATCH_SERVER_CATALOG_H_

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "mixmatch/storage/v1/records.pb.h"

namespace mixmatch::server {

using ItemRecord = storage::v1::ItemRecord;

// Thread-safe. About 1 KiB an item.
class Catalog {
 public:
  void Put(const ItemRecord& record);
  void Remove(uint64_t item_id);
  // nullptr if there is none.
  std::shared_ptr<const ItemRecord> Get(uint64_t item_id) const;
  bool Contains(uint64_t item_id) const;
  // Up to `most` records from `first_item_id` on, ascending.
  std::vector<std::shared_ptr<const ItemRecord>> From(uint64_t first_item_id, size_t most) const;
  size_t size() const;
  // Of the content of items that were uploaded on this principal's behalf.
  uint64_t StoredBytes(const std::string& principal) const;
  // How many items there are of each modality that has any.
  std::map<v1::Modality, uint64_t> CountByModality() const;
  // Parts of all items that are words read in pictures.
  int64_t words_parts() const;
  uint64_t largest_id() const;  // 0 if empty.

  // How many times a record was put or removed.
  uint64_t version() const;
  // Whether `ids` got every item put or removed since that version, in order, perhaps repeated; false if that is too
  // long ago to be known.
  bool ChangedSince(uint64_t version, std::vector<uint64_t>& ids) const;

 private:
  void Count(const ItemRecord& record, int sign) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Note(uint64_t item_id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable absl::Mutex mutex_;
  std::map<uint64_t, std::shared_ptr<const ItemRecord>> records_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, uint64_t> stored_bytes_ ABSL_GUARDED_BY(mutex_);  // By principal.
  std::map<v1::Modality, uint64_t> items_ ABSL_GUARDED_BY(mutex_);
  int64_t words_parts_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t version_ ABSL_GUARDED_BY(mutex_) = 0;
  std::deque<uint64_t> changed_ ABSL_GUARDED_BY(mutex_);  // The last ones, the newest at the end.
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_CATALOG_H_
