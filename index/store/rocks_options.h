// How the store sets RocksDB up.
#ifndef MIXMATCH_INDEX_STORE_ROCKS_OPTIONS_H_
#define MIXMATCH_INDEX_STORE_ROCKS_OPTIONS_H_

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "index/store/store.h"
#include "rocksdb/cache.h"
#include "rocksdb/db.h"

namespace mixmatch::index {

// Column families; the number is the place in FamilyNames().
enum Family {
  kDefault,
  kItems,
  kParts,
  kVectors,
  kFeatures,
  kTrunkFeatures,
  kTokens,
  kEvents,
  kItemEvents,
  kRequests,
  kUploads,
  kContent,
  kLearning,
  kOperations,
  kMeta,
  kFamilies
};

const std::array<std::string, kFamilies>& FamilyNames();

// Blocks and memtables of all families count against the one cache, so that the store's memory has one bound.
std::shared_ptr<rocksdb::Cache> StoreCache(const StoreOptions& options);
rocksdb::DBOptions DatabaseOptions(const StoreOptions& options, const std::shared_ptr<rocksdb::Cache>& cache);
std::vector<rocksdb::ColumnFamilyDescriptor> FamilyDescriptors(const StoreOptions& options,
                                                               const std::shared_ptr<rocksdb::Cache>& cache);

}  // namespace mixmatch::index

#endif  // MIXMATCH_INDEX_STORE_ROCKS_OPTIONS_H_
