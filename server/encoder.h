// From a described part to its vector: the trunk's output beside the fixed features, mapped by the head.
#ifndef MIXMATCH_SERVER_ENCODER_H_
#define MIXMATCH_SERVER_ENCODER_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "model/head/associative_head.h"
#include "model/head/head_maps.h"
#include "model/parts/parts.h"
#include "model/trunk/trunk.h"

namespace mixmatch::server {

// A part in all the forms in which it is stored.
struct EncodedPart {
  uint64_t part_id = 0;
  int slot = 0;
  std::vector<float> features;        // Fixed.
  std::vector<float> trunk_features;  // Of the encoder's trunk.
  std::vector<uint8_t> tokens;
  std::vector<float> vector;          // Unit length.
};

// Length of the head's input for each slot: fixed features, then the trunk's output.
std::vector<int> HeadDims(const model::Trunk& trunk);
// Of a head that takes them: the two are its blocks.
model::AssociativeHeadOptions HeadOptions(const model::Trunk& trunk);

// Features as the store gives them back, rounded to half floats: what is learned and unlearned must be the same numbers.
void RoundToHalf(std::vector<float>& values);

// Fills trunk_features of every part from its tokens.
absl::Status ReadByTrunk(const model::Trunk& trunk, absl::Span<EncodedPart> parts);

// Immutable, thread-safe.
class Encoder {
 public:
  Encoder(uint64_t trunk_number, std::shared_ptr<const model::Trunk> trunk, std::shared_ptr<const model::HeadMaps> head)
      : trunk_number_(trunk_number), trunk_(std::move(trunk)), head_(std::move(head)) {}

  // Fills trunk_features and vector of every part.
  absl::Status EncodeAll(absl::Span<EncodedPart> parts) const;
  // Fills vector from features and trunk_features.
  absl::Status MapAll(absl::Span<EncodedPart> parts) const;

  uint64_t trunk_number() const { return trunk_number_; }
  const std::shared_ptr<const model::Trunk>& trunk() const { return trunk_; }
  const std::shared_ptr<const model::HeadMaps>& head() const { return head_; }

 private:
  uint64_t trunk_number_;
  std::shared_ptr<const model::Trunk> trunk_;
  std::shared_ptr<const model::HeadMaps> head_;
};

// Moves what a room described into the stored form; features rounded as the store does.
EncodedPart FromDraft(model::PartDraft& draft, uint64_t part_id);

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_ENCODER_H_
