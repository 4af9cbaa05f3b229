// Turns RocksDB's statuses into ours.
#ifndef MIXMATCH_INDEX_STORE_ROCKS_STATUS_H_
#define MIXMATCH_INDEX_STORE_ROCKS_STATUS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "rocksdb/status.h"

namespace mixmatch::index {

// `where` opens the message, e.g. "store.items". NOT_FOUND; DATA_LOSS: damaged or a file gone; RESOURCE_EXHAUSTED: disk full;
// FAILED_PRECONDITION: held by another process; else INTERNAL.
absl::Status FromRocks(const rocksdb::Status& status, absl::string_view where);

}  // namespace mixmatch::index

#endif  // MIXMATCH_INDEX_STORE_ROCKS_STATUS_H_
