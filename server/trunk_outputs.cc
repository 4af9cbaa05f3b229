#include "server/trunk_outputs.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <tuple>

#include "model/head/ridge_map.h"
#include "proto/base/status_macros.h"
#include "server/encoder.h"

namespace mixmatch::server {
namespace {

constexpr int64_t kLeastAnchors = 64;
constexpr size_t kMostAnchors = 20'000;  // More do not make an affine map of some hundred dimensions better.
constexpr double kLeastAgreement = 0.5;
constexpr size_t kBatch = 512;

const float* FindRow(const std::vector<uint64_t>& ids, const std::vector<float>& rows, size_t dim, uint64_t id) {
  const auto found = std::lower_bound(ids.begin(), ids.end(), id);
  return found == ids.end() || *found != id ? nullptr : rows.data() + (found - ids.begin()) * dim;
}

// Calls visit(part id, output) for every output of the trunk whose size is that of the first.
absl::Status ForEachOutput(const index::Store& store, uint64_t key, size_t& dim,
                           const std::function<bool(uint64_t, absl::Span<const float>)>& visit) {
  return store.ForEachTrunkFeatures(key, 0, [&](uint64_t id, absl::Span<const float> row) {
    if (dim == 0) dim = row.size();
    return row.size() == dim ? visit(id, row) : true;
  });
}

absl::StatusOr<SlotEstimate> EstimateSlot(index::Store& store, int slot, uint64_t from, uint64_t to) {
  SlotEstimate result;
  std::vector<uint64_t> known;  // Parts that `to` has read, ascending.
  std::vector<float> truth, anchors_from, anchors_to;
  size_t from_dim = 0, to_dim = 0;
  MIXMATCH_RETURN_IF_ERROR(
      ForEachOutput(store, TrunkKey(to, slot), to_dim, [&](uint64_t id, absl::Span<const float> row) {
        known.push_back(id);
        truth.insert(truth.end(), row.begin(), row.end());
        return true;
      }));
  MIXMATCH_RETURN_IF_ERROR(
      ForEachOutput(store, TrunkKey(from, slot), from_dim, [&](uint64_t id, absl::Span<const float> row) {
        const float* goal = FindRow(known, truth, to_dim, id);
        if (goal == nullptr) return true;
        anchors_from.insert(anchors_from.end(), row.begin(), row.end());
        anchors_to.insert(anchors_to.end(), goal, goal + to_dim);
        return static_cast<size_t>(++result.anchors) < kMostAnchors;
      }));
  if (result.anchors < kLeastAnchors) return result;
  MIXMATCH_ASSIGN_OR_RETURN(const model::RidgeMap map, model::RidgeMap::Fit(anchors_from, static_cast<int>(from_dim),
                                                                            anchors_to, static_cast<int>(to_dim)));
  result.agreement = map.agreement();
  if (result.agreement < kLeastAgreement) return result;
  std::vector<uint64_t> ids;
  std::vector<float> rows, estimates;
  const auto flush = [&]() -> absl::Status {
    estimates.resize(ids.size() * to_dim);
    MIXMATCH_RETURN_IF_ERROR(map.Apply(rows, absl::MakeSpan(estimates)));
    std::unique_ptr<index::StoreBatch> batch = store.NewBatch();
    for (size_t i = 0; i < ids.size(); ++i) {
      batch->PutTrunkFeatures(EstimateKey(to, slot), ids[i], absl::MakeSpan(estimates).subspan(i * to_dim, to_dim));
    }
    result.estimated += static_cast<int64_t>(ids.size());
    ids.clear();
    rows.clear();
    return store.Commit(std::move(batch), /*sync=*/false);
  };
  absl::Status failed;
  MIXMATCH_RETURN_IF_ERROR(
      ForEachOutput(store, TrunkKey(from, slot), from_dim, [&](uint64_t id, absl::Span<const float> row) {
        if (std::binary_search(known.begin(), known.end(), id)) return true;
        ids.push_back(id);
        rows.insert(rows.end(), row.begin(), row.end());
        if (ids.size() >= kBatch) failed = flush();
        return failed.ok();
      }));
  MIXMATCH_RETURN_IF_ERROR(failed);
  MIXMATCH_RETURN_IF_ERROR(flush());
  return result;
}

}  // namespace

absl::StatusOr<std::vector<float>> TrunkOutputOf(index::Store& store, int slot, uint64_t part_id, uint64_t trunk_number,
                                                 const model::Trunk& trunk) {
  // What another trunk of that number left is as good as nothing.
  for (uint64_t key : {TrunkKey(trunk_number, slot), EstimateKey(trunk_number, slot)}) {
    auto row = store.GetTrunkFeatures(key, part_id);
    if (row.ok() && static_cast<int>(row->size()) == trunk.config().output_dim) return row;
    if (!row.ok() && !absl::IsNotFound(row.status())) return row.status();
  }
  MIXMATCH_ASSIGN_OR_RETURN(const std::vector<uint8_t> tokens, store.GetTokens(part_id));
  MIXMATCH_ASSIGN_OR_RETURN(std::vector<float> row, trunk.Encode({{slot, tokens}}));
  RoundToHalf(row);
  std::unique_ptr<index::StoreBatch> batch = store.NewBatch();
  batch->PutTrunkFeatures(TrunkKey(trunk_number, slot), part_id, row);
  MIXMATCH_RETURN_IF_ERROR(store.Commit(std::move(batch), /*sync=*/false));
  return row;
}

absl::StatusOr<StoredTrunkOutputs> StoredTrunkOutputs::Read(const index::Store& store, int slot, uint64_t trunk_number,
                                                            size_t output_dim) {
  StoredTrunkOutputs outputs;
  outputs.dim_ = output_dim;
  const auto read = [&](uint64_t key, Table& table) {
    return ForEachOutput(store, key, output_dim, [&](uint64_t id, absl::Span<const float> row) {
      table.ids.push_back(id);
      table.rows.insert(table.rows.end(), row.begin(), row.end());
      return true;
    });
  };
  MIXMATCH_RETURN_IF_ERROR(read(TrunkKey(trunk_number, slot), outputs.real_));
  MIXMATCH_RETURN_IF_ERROR(read(EstimateKey(trunk_number, slot), outputs.estimates_));
  return outputs;
}

const float* StoredTrunkOutputs::Find(uint64_t part_id) const {
  const float* row = FindRow(real_.ids, real_.rows, dim_, part_id);
  return row != nullptr ? row : FindRow(estimates_.ids, estimates_.rows, dim_, part_id);
}

absl::StatusOr<std::vector<SlotEstimate>> EstimateTrunkOutputs(index::Store& store, uint64_t from, uint64_t to,
                                                               int slots) {
  std::vector<SlotEstimate> result;
  for (int slot = 0; slot < slots; ++slot) {
    MIXMATCH_ASSIGN_OR_RETURN(const SlotEstimate estimate, EstimateSlot(store, slot, from, to));
    result.push_back(estimate);
  }
  return result;
}

absl::StatusOr<std::vector<std::pair<int, uint64_t>>> EstimatedParts(const index::Store& store, uint64_t trunk_number,
                                                                     int slots) {
  std::vector<std::pair<int, uint64_t>> parts;
  for (int slot = 0; slot < slots; ++slot) {
    MIXMATCH_RETURN_IF_ERROR(
        store.ForEachTrunkFeatures(EstimateKey(trunk_number, slot), 0, [&](uint64_t id, absl::Span<const float>) {
          parts.emplace_back(slot, id);
          return true;
        }));
  }
  return parts;
}

void SortByUse(const HitCounts& hits, std::vector<std::pair<int, uint64_t>>& parts) {
  std::vector<std::tuple<uint32_t, uint64_t, int>> keys;
  keys.reserve(parts.size());
  for (const auto& [slot, part_id] : parts) keys.emplace_back(hits.Of(part_id), part_id, slot);
  std::sort(keys.begin(), keys.end(), std::greater<>());
  for (size_t i = 0; i < keys.size(); ++i) parts[i] = {std::get<2>(keys[i]), std::get<1>(keys[i])};
}

void DeleteTrunkOutputs(uint64_t trunk_number, int slot, uint64_t part_id, index::StoreBatch& batch) {
  batch.DeleteTrunkFeatures(TrunkKey(trunk_number, slot), part_id);
  batch.DeleteTrunkFeatures(EstimateKey(trunk_number, slot), part_id);
}

void DeleteAllTrunkOutputs(uint64_t trunk_number, int slots, index::StoreBatch& batch) {
  for (int slot = 0; slot < slots; ++slot) {
    batch.DeleteAllTrunkFeatures(TrunkKey(trunk_number, slot));
    batch.DeleteAllTrunkFeatures(EstimateKey(trunk_number, slot));
  }
}

}  // namespace mixmatch::server
