// Looks through a store for damage, and rewrites it. Beside the walks of Store, which end at the first record that cannot be
// read, these go on.
#ifndef MIXMATCH_INDEX_STORE_STORE_CHECK_H_
#define MIXMATCH_INDEX_STORE_STORE_CHECK_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/store/store.h"

namespace mixmatch::index {

// Reads every file of the database and compares its checksum; of files that were written before checksums of whole files
// were kept, those of the blocks (their blobs are checked when content is read). `damaged` is told a file's name and what
// is wrong. `progress` is told the bytes read so far and in all; false ends the walk with CANCELLED.
absl::Status CheckFiles(const Store& store, const std::function<void(const std::string& file, const std::string& what)>& damaged,
                        const std::function<bool(uint64_t bytes, uint64_t total)>& progress);

// Parses every record but content. `unreadable` is told the family and the key in hexadecimal; the key is empty where the
// rest of a family cannot be walked. `go_on` is asked now and then; false ends with CANCELLED.
absl::Status CheckRecords(const Store& store,
                          const std::function<void(const std::string& family, const std::string& key)>& unreadable,
                          const std::function<bool()>& go_on);

// Walks over keys, each over a consistent snapshot, by ascending key; keys that cannot be read are passed over. Stop early
// when `visit` returns false.
absl::Status ForEachVectorKey(const Store& store,
                              const std::function<bool(uint64_t part_id, uint64_t generation, size_t dim)>& visit);
absl::Status ForEachFeaturesKey(const Store& store, const std::function<bool(int slot, uint64_t part_id)>& visit);
// `trunk` as PutTrunkFeatures was given it.
absl::Status ForEachTrunkFeaturesKey(const Store& store, const std::function<bool(uint64_t trunk, uint64_t part_id)>& visit);
absl::Status ForEachTokensKey(const Store& store, const std::function<bool(uint64_t part_id)>& visit);
absl::Status ForEachItemEvent(const Store& store,
                              const std::function<bool(uint64_t item_id, const std::string& event_id)>& visit);

// Bytes from offset 0 to the end of the last chunk; NOT_FOUND if there is none. Reads one chunk.
absl::StatusOr<uint64_t> ContentSize(const Store& store, uint64_t content_id);

// Rewrites every family without what was deleted or replaced, blobs too. Needs free space for the largest family beside
// it. `families_done` is told how many of how many are done. CANCELLED soon after `stop` is true.
absl::Status Compact(Store& store, std::atomic<bool>& stop,
                     const std::function<void(int families_done, int families)>& progress);

}  // namespace mixmatch::index

#endif  // MIXMATCH_INDEX_STORE_STORE_CHECK_H_
