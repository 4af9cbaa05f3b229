// What trunks made of stored parts: read from the store, made where it is missing, estimated where a new trunk has just
// been published.
//
// An output is either real (the trunk read the part's tokens) or an estimate: an affine map of the output of the trunk
// before it, fitted on the parts that both have read (model/head/ridge_map.h). So a new trunk can be published at once,
// with every vector of one generation, and the parts are encoded in the background afterwards.
#ifndef MIXMATCH_SERVER_TRUNK_OUTPUTS_H_
#define MIXMATCH_SERVER_TRUNK_OUTPUTS_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/store/store.h"
#include "model/trunk/trunk.h"
#include "server/hit_counts.h"

namespace mixmatch::server {

// Where the store keeps the output of a trunk for the parts of a slot, so that it is walked beside the fixed features;
// slots are below 128.
inline uint64_t TrunkKey(uint64_t trunk_number, int slot) { return trunk_number * 256 + static_cast<uint64_t>(slot); }
// The same for estimates.
inline uint64_t EstimateKey(uint64_t trunk_number, int slot) { return TrunkKey(trunk_number, slot) + 128; }

// The output of a part: the real one, else the estimate, else one made now from its tokens and stored. NOT_FOUND if there
// are no tokens either.
absl::StatusOr<std::vector<float>> TrunkOutputOf(index::Store& store, int slot, uint64_t part_id, uint64_t trunk_number,
                                                 const model::Trunk& trunk);

// All outputs of a slot that the store has, in memory. Values of another size than the trunk's are left out.
class StoredTrunkOutputs {
 public:
  static absl::StatusOr<StoredTrunkOutputs> Read(const index::Store& store, int slot, uint64_t trunk_number,
                                                 size_t output_dim);
  // The real output, else the estimate, else null.
  const float* Find(uint64_t part_id) const;

 private:
  struct Table {
    std::vector<uint64_t> ids;  // Ascending.
    std::vector<float> rows;    // [ids.size(), dim]
  };
  Table real_, estimates_;
  size_t dim_ = 0;
};

// How well the outputs of one trunk tell those of another, for a slot.
struct SlotEstimate {
  int64_t anchors = 0;     // Parts that both had read.
  int64_t estimated = 0;   // Parts that got an estimate: all that had an output of the old trunk alone.
  double agreement = 0.0;  // Mean cosine between estimate and truth, over anchors held out.
};

// Stores an estimate of trunk `to` for every part that has an output of trunk `from` and none of `to`. A slot of fewer
// than 64 anchors, or whose estimates agree by less than .5 with the truth, is left alone: its parts will be encoded when
// they are asked for.
absl::StatusOr<std::vector<SlotEstimate>> EstimateTrunkOutputs(index::Store& store, uint64_t from, uint64_t to, int slots);

// (slot, part id) of all parts of which there is an estimate, by slot.
absl::StatusOr<std::vector<std::pair<int, uint64_t>>> EstimatedParts(const index::Store& store, uint64_t trunk_number,
                                                                     int slots);
// The most useful to read first: those that searches found most often, and among equals the newest.
void SortByUse(const HitCounts& hits, std::vector<std::pair<int, uint64_t>>& parts);

// Everything that a trunk made; of one part, or of all.
void DeleteTrunkOutputs(uint64_t trunk_number, int slot, uint64_t part_id, index::StoreBatch& batch);
void DeleteAllTrunkOutputs(uint64_t trunk_number, int slots, index::StoreBatch& batch);

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_TRUNK_OUTPUTS_H_
