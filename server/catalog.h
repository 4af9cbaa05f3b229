// Every item record in memory: what filters are evaluated on and hits are filled from.
#ifndef MIXMATCH_SERVER_CATALOG_H_
#define MIXMATCH_SERVER_CATALOG_H_

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

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
  uint64_t largest_id() const;  // 0 if empty.

 private:
  mutable absl::Mutex mutex_;
  std::map<uint64_t, std::shared_ptr<const ItemRecord>> records_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_CATALOG_H_
