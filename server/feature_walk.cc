#include "server/feature_walk.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/base/status_macros.h"

namespace mixmatch::server {
namespace {

constexpr size_t kBatch = 512;

// Output of one trunk for one slot, by part id.
struct TrunkOutput {
  std::vector<uint64_t> ids;  // Ascending.
  std::vector<float> rows;    // [ids.size(), dim].
  size_t dim = 0;

  const float* Find(uint64_t id) const {
    const auto found = std::lower_bound(ids.begin(), ids.end(), id);
    return found == ids.end() || *found != id ? nullptr : rows.data() + (found - ids.begin()) * dim;
  }
};

absl::StatusOr<TrunkOutput> ReadTrunkOutput(const index::Store& store, int slot, const Encoder& encoder) {
  TrunkOutput output;
  output.dim = encoder.trunk()->config().output_dim;
  MIXMATCH_RETURN_IF_ERROR(store.ForEachTrunkFeatures(TrunkKey(encoder.trunk_number(), slot), 0,
                                                      [&](uint64_t id, absl::Span<const float> row) {
                                                        if (row.size() != output.dim) return true;
                                                        output.ids.push_back(id);
                                                        output.rows.insert(output.rows.end(), row.begin(), row.end());
                                                        return true;
                                                      }));
  return output;
}

absl::StatusOr<std::vector<float>> EncodeAndStore(index::Store& store, int slot, uint64_t part_id,
                                                  uint64_t trunk_number, const model::Trunk& trunk) {
  MIXMATCH_ASSIGN_OR_RETURN(const std::vector<uint8_t> tokens, store.GetTokens(part_id));
  MIXMATCH_ASSIGN_OR_RETURN(std::vector<float> row, trunk.Encode({{slot, tokens}}));
  RoundToHalf(row);
  std::unique_ptr<index::StoreBatch> batch = store.NewBatch();
  batch->PutTrunkFeatures(TrunkKey(trunk_number, slot), part_id, row);
  MIXMATCH_RETURN_IF_ERROR(store.Commit(std::move(batch), /*sync=*/false));
  return row;
}

}  // namespace

absl::StatusOr<std::vector<float>> JoinedFeatures(index::Store& store, int slot, uint64_t part_id,
                                                  uint64_t trunk_number, const model::Trunk& trunk) {
  MIXMATCH_ASSIGN_OR_RETURN(std::vector<float> joined, store.GetFeatures(slot, part_id));
  auto row = store.GetTrunkFeatures(TrunkKey(trunk_number, slot), part_id);
  // What another trunk of that number left is as good as nothing.
  const bool missing = absl::IsNotFound(row.status()) || (row.ok() && row->size() != trunk.config().output_dim);
  if (missing) row = EncodeAndStore(store, slot, part_id, trunk_number, trunk);
  MIXMATCH_RETURN_IF_ERROR(row.status());
  joined.insert(joined.end(), row->begin(), row->end());
  return joined;
}

absl::StatusOr<MappedSlot> MapStored(index::Store& store, int slot, const Encoder& encoder,
                                     const std::function<bool(uint64_t part_id)>& wanted,
                                     std::vector<uint64_t>* unwanted) {
  MIXMATCH_ASSIGN_OR_RETURN(const TrunkOutput output, ReadTrunkOutput(store, slot, encoder));
  const size_t in_dim = encoder.head()->feature_dim(slot);
  const size_t out_dim = encoder.head()->dim();
  const size_t fixed_dim = in_dim - output.dim;
  MappedSlot mapped;
  std::vector<float> batch;
  absl::Status failed;
  const auto flush = [&] {
    const size_t rows = batch.size() / in_dim;
    if (rows == 0) return absl::OkStatus();
    const size_t at = mapped.vectors.size();
    mapped.vectors.resize(at + rows * out_dim);
    MIXMATCH_RETURN_IF_ERROR(encoder.head()->Map(slot, batch, static_cast<int64_t>(rows),
                                                 absl::MakeSpan(mapped.vectors).subspan(at)));
    batch.clear();
    return absl::OkStatus();
  };
  const auto add = [&](uint64_t id, absl::Span<const float> fixed) {
    if (fixed.size() != fixed_dim) {
      return absl::DataLossError(absl::StrCat("features of part ", id, ": got ", fixed.size(), " values, wanted ",
                                              fixed_dim, "; run `mixmatch admin reindex --from-content`"));
    }
    const float* row = output.Find(id);
    std::vector<float> encoded;
    if (row == nullptr) {
      MIXMATCH_ASSIGN_OR_RETURN(encoded, EncodeAndStore(store, slot, id, encoder.trunk_number(), *encoder.trunk()));
      row = encoded.data();
    }
    batch.insert(batch.end(), fixed.begin(), fixed.end());
    batch.insert(batch.end(), row, row + output.dim);
    mapped.ids.push_back(id);
    return batch.size() / in_dim >= kBatch ? flush() : absl::OkStatus();
  };
  MIXMATCH_RETURN_IF_ERROR(store.ForEachFeatures(slot, 0, [&](uint64_t id, absl::Span<const float> fixed) {
    if (!wanted(id)) {
      if (unwanted != nullptr) unwanted->push_back(id);
      return true;
    }
    failed = add(id, fixed);
    return failed.ok();
  }));
  MIXMATCH_RETURN_IF_ERROR(failed);
  MIXMATCH_RETURN_IF_ERROR(flush());
  return mapped;
}

}  // namespace mixmatch::server
