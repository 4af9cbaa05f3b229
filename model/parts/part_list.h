// The parts of one item while they are made.
#ifndef MIXMATCH_MODEL_PARTS_PART_LIST_H_
#define MIXMATCH_MODEL_PARTS_PART_LIST_H_

#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "model/modality/modality.h"
#include "model/parts/parts.h"

namespace mixmatch::model {

inline constexpr size_t kSnippetBytes = 200;  // Of PartDraft::snippet and title, at most.

// Describes the content by its modality's room into `draft`, and sets its modality and slot.
absl::Status DescribePart(const PartContent& content, PartDraft* draft);

// RESOURCE_EXHAUSTED beyond kMostParts.
absl::Status TooManyParts();

class PartList {
 public:
  // Describes the content by its modality's room and appends it to `draft`, whose modality and slot it sets.
  // RESOURCE_EXHAUSTED beyond kMostParts.
  absl::Status Describe(const PartContent& content, PartDraft draft);

  // The words read in the part at `picture`, which is one of a picture; they come after all others. Nothing for "".
  absl::Status AddWords(absl::string_view words, int picture);

  // What was described elsewhere.
  void Add(PartDraft draft) { parts_.push_back(std::move(draft)); }

  size_t size() const { return parts_.size(); }
  std::vector<PartDraft> Take();

 private:
  std::vector<PartDraft> parts_;
  std::vector<PartDraft> words_;
};

// Code points of UTF-8.
uint64_t Characters(absl::string_view text);

// The longest prefix of at most `bytes` bytes that ends between characters of UTF-8.
absl::string_view Prefix(absl::string_view text, size_t bytes);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_PARTS_PART_LIST_H_
