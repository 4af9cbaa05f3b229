// Reads the stored features of a slot, joined as the head takes them, in batches.
#ifndef MIXMATCH_SERVER_FEATURE_WALK_H_
#define MIXMATCH_SERVER_FEATURE_WALK_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "index/store/store.h"
#include "server/encoder.h"

namespace mixmatch::server {

// Part ids, ascending, and their unit vectors, row-major.
struct MappedSlot {
  std::vector<uint64_t> ids;
  std::vector<float> vectors;
};

// Maps all stored parts of `slot` for which `wanted` is true by the encoder's head. Parts of which the store has neither an
// output of the encoder's trunk nor an estimate of it are encoded from their tokens first, and the output is stored. Ids
// that are not wanted are appended to `unwanted` if it is not null.
absl::StatusOr<MappedSlot> MapStored(index::Store& store, int slot, const Encoder& encoder,
                                     const std::function<bool(uint64_t part_id)>& wanted,
                                     std::vector<uint64_t>* unwanted);

// Joined features of one part, as the head takes them. NOT_FOUND if the part has none.
absl::StatusOr<std::vector<float>> JoinedFeatures(index::Store& store, int slot, uint64_t part_id,
                                                  uint64_t trunk_number, const model::Trunk& trunk);

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_FEATURE_WALK_H_
