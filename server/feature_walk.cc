#include "server/feature_walk.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/base/status_macros.h"
#include "server/trunk_outputs.h"

namespace mixmatch::server {
namespace {

constexpr size_t kBatch = 2048;

}  // namespace

absl::StatusOr<std::vector<float>> JoinedFeatures(index::Store& store, int slot, uint64_t part_id,
                                                  uint64_t trunk_number, const model::Trunk& trunk) {
  MIXMATCH_ASSIGN_OR_RETURN(std::vector<float> joined, store.GetFeatures(slot, part_id));
  MIXMATCH_ASSIGN_OR_RETURN(const std::vector<float> row, TrunkOutputOf(store, slot, part_id, trunk_number, trunk));
  joined.insert(joined.end(), row.begin(), row.end());
  return joined;
}

absl::StatusOr<MappedSlot> MapStored(index::Store& store, int slot, const Encoder& encoder,
                                     const std::function<bool(uint64_t part_id)>& wanted,
                                     std::vector<uint64_t>* unwanted) {
  const size_t output_dim = encoder.trunk()->config().output_dim;
  MIXMATCH_ASSIGN_OR_RETURN(const StoredTrunkOutputs outputs,
                            StoredTrunkOutputs::Read(store, slot, encoder.trunk_number(), output_dim));
  const size_t in_dim = encoder.head()->feature_dim(slot);
  const size_t out_dim = encoder.head()->dim();
  const size_t fixed_dim = in_dim - output_dim;
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
    const float* row = outputs.Find(id);
    std::vector<float> encoded;
    if (row == nullptr) {
      MIXMATCH_ASSIGN_OR_RETURN(encoded, TrunkOutputOf(store, slot, id, encoder.trunk_number(), *encoder.trunk()));
      row = encoded.data();
    }
    batch.insert(batch.end(), fixed.begin(), fixed.end());
    batch.insert(batch.end(), row, row + output_dim);
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
