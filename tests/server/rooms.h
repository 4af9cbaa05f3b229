// A server's rooms over a store in a directory of its own, with a tiny trunk and a random head.
#ifndef MIXMATCH_TESTS_SERVER_ROOMS_H_
#define MIXMATCH_TESTS_SERVER_ROOMS_H_

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "model/head/head_maps.h"
#include "model/modality/modality.h"
#include "server/event_book.h"
#include "server/learner.h"
#include "server/live_index.h"

namespace mixmatch::server {

inline constexpr int kDim = 16;

inline std::shared_ptr<const model::Trunk> TinyTrunk() {
  static const auto* trunk = new std::shared_ptr<const model::Trunk>(
      model::Trunk::Create(model::TrunkConfig::Tiny().WithSlots(static_cast<int>(model::ModalityTable().size()))).value());
  return *trunk;
}

// A head that differs by `seed`, on the same trunk.
inline Encoder MakeEncoder(uint64_t seed) {
  return Encoder(0, TinyTrunk(), model::HeadMaps::Random(HeadDims(*TinyTrunk()), kDim, seed).value());
}

inline std::shared_ptr<Serving> MakeServing(uint64_t generation, uint64_t seed) {
  auto serving = std::make_shared<Serving>(Serving{generation, MakeEncoder(seed), {}});
  index::SegmentedIndexOptions options;
  options.dim = kDim;
  for (size_t i = 0; i < model::ModalityTable().size(); ++i) {
    serving->slots.push_back(index::SegmentedIndex::Create(options, generation).value());
  }
  return serving;
}

// A text part with features and tokens that depend on its id alone; not yet encoded.
inline EncodedPart RawPart(uint64_t part_id) {
  EncodedPart part;
  part.part_id = part_id;
  part.slot = model::SlotOf(model::Modality::kText);
  std::mt19937_64 random(part_id);
  part.features.resize(model::ModalityTable()[part.slot]->feature_dim());
  for (float& value : part.features) value = static_cast<float>(random() % 1000) / 1000.0f;
  part.tokens.resize(model::kTokenBytes);
  for (uint8_t& value : part.tokens) value = static_cast<uint8_t>(random());
  return part;
}

inline EncodedPart EncodedBy(const Encoder& encoder, uint64_t part_id) {
  EncodedPart part = RawPart(part_id);
  EXPECT_TRUE(encoder.EncodeAll(absl::MakeSpan(&part, 1)).ok());
  return part;
}

}  // namespace mixmatch::server

#endif  // MIXMATCH_TESTS_SERVER_ROOMS_H_
