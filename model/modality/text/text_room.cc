#include "model/modality/text/text_room.h"

#include <algorithm>
#include <string>

#include "model/modality/text/text_features.h"
#include "model/modality/text/text_tokens.h"

namespace mixmatch::model {
namespace {

constexpr size_t kLongWord = 12;  // Scripts without spaces come as long words, cut into
constexpr size_t kPiece = 8;      // pieces of this many characters.

// A token is a word as a bag of hashed n-grams of 1 to 4 characters, 64 a count; in long texts several words share one.
Tokens TextTokens(const std::u32string& folded) {
  std::vector<std::u32string> words;
  for (size_t begin = 0; begin < folded.size();) {
    size_t end = std::min(folded.find(U' ', begin), folded.size());
    const size_t step = end - begin > kLongWord ? kPiece : end - begin;
    for (size_t at = begin; at < end; at += step) {
      words.push_back(U" " + folded.substr(at, std::min(step, end - at)) + U" ");
    }
    begin = end + 1;
  }
  Tokens tokens;
  tokens.count = static_cast<int>(std::clamp<size_t>(words.size(), 1, kMostTokens));
  tokens.bytes.assign(static_cast<size_t>(tokens.count) * kTokenBytes, 0);
  for (size_t w = 0; w < words.size(); ++w) {
    CountGrams(words[w], &tokens.bytes[w * tokens.count / words.size() * kTokenBytes]);
  }
  return tokens;
}

class Room final : public ModalityRoom {
 public:
  Modality modality() const override { return Modality::kText; }
  const char* name() const override { return "text"; }
  int feature_dim() const override { return kTextFeatures; }
  uint32_t feature_version() const override { return 1; }

  absl::StatusOr<std::vector<float>> DescribeFeatures(const PartContent& part) const override {
    if (part.text.empty()) return absl::InvalidArgumentError("part.text: got no bytes, wanted at least 1");
    return TextFeatures(part.text);
  }

  absl::StatusOr<Described> Describe(const PartContent& part) const override {
    absl::StatusOr<std::vector<float>> features = DescribeFeatures(part);
    if (!features.ok()) return features.status();
    return Described{*std::move(features), TextTokens(FoldText(part.text))};
  }
};

}  // namespace

const ModalityRoom* TextRoom() {
  static const Room* room = new Room();
  return room;
}

}  // namespace mixmatch::model
