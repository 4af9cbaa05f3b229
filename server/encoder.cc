#include "server/encoder.h"

#include <utility>

#include "model/modality/modality.h"
#include "model/modality/packed_features.h"
#include "proto/base/status_macros.h"

namespace mixmatch::server {

std::vector<int> HeadDims(const model::Trunk& trunk) {
  std::vector<int> dims = model::FeatureDims();
  for (int& dim : dims) dim += trunk.config().output_dim;
  return dims;
}

model::AssociativeHeadOptions HeadOptions(const model::Trunk& trunk) {
  model::AssociativeHeadOptions options;
  options.feature_dims = HeadDims(trunk);
  for (int dim : model::FeatureDims()) options.blocks.push_back({dim, trunk.config().output_dim});
  options.last_block_shared = true;
  return options;
}

void RoundToHalf(std::vector<float>& values) {
  auto rounded = model::UnpackFeatures(model::PackFeatures(values));
  if (rounded.ok()) values = *std::move(rounded);
}

absl::Status ReadByTrunk(const model::Trunk& trunk, absl::Span<EncodedPart> parts) {
  std::vector<model::TokenView> views;
  views.reserve(parts.size());
  for (const EncodedPart& part : parts) views.push_back({part.slot, part.tokens});
  MIXMATCH_ASSIGN_OR_RETURN(const std::vector<float> out, trunk.Encode(views));
  const size_t dim = trunk.config().output_dim;
  for (size_t i = 0; i < parts.size(); ++i) {
    parts[i].trunk_features.assign(out.begin() + i * dim, out.begin() + (i + 1) * dim);
    RoundToHalf(parts[i].trunk_features);
  }
  return absl::OkStatus();
}

absl::Status Encoder::EncodeAll(absl::Span<EncodedPart> parts) const {
  MIXMATCH_RETURN_IF_ERROR(ReadByTrunk(*trunk_, parts));
  return MapAll(parts);
}

absl::Status Encoder::MapAll(absl::Span<EncodedPart> parts) const {
  for (EncodedPart& part : parts) {
    std::vector<float> joined = part.features;
    joined.insert(joined.end(), part.trunk_features.begin(), part.trunk_features.end());
    MIXMATCH_ASSIGN_OR_RETURN(part.vector, head_->Map(part.slot, joined));
  }
  return absl::OkStatus();
}

EncodedPart FromDraft(model::PartDraft& draft, uint64_t part_id) {
  EncodedPart part;
  part.part_id = part_id;
  part.slot = draft.slot;
  part.features = std::move(draft.described.features);
  RoundToHalf(part.features);
  part.tokens = std::move(draft.described.tokens.bytes);
  return part;
}

}  // namespace mixmatch::server
