// How the store sets RocksDB up.
#ifndef MIXMATCH_INDEX_STORE_ROCKS_OPTIONS_H_
#define MIXMATCH_INDEX_STORE_ROCKS_OPTIONS_H_

#include <array>
#include <string>
#include <vector>

#include "index/store/store.h"
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

rocksdb::DBOptions DatabaseOptions();
std::vector<rocksdb::ColumnFamilyDescriptor> FamilyDescriptors(const StoreOptions& options);

}  // namespace mixmatch::index

#endif  // MIXMATCH_INDEX_STORE_ROCKS_OPTIONS_H_
