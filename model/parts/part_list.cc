#include "model/parts/part_list.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/base/status_macros.h"

namespace mixmatch::model {
namespace {

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

}  // namespace

absl::Status DescribePart(const PartContent& content, PartDraft* draft) {
  draft->modality = static_cast<v1::Modality>(content.modality);
  draft->slot = SlotOf(content.modality);
  MIXMATCH_ASSIGN_OR_RETURN(draft->described, ModalityTable()[draft->slot]->Describe(content));
  return absl::OkStatus();
}

absl::Status TooManyParts() {
  return absl::ResourceExhaustedError(
      absl::StrCat("content: got more than ", kMostParts, " parts; cut the file into shorter ones"));
}

absl::Status PartList::Describe(const PartContent& content, PartDraft draft) {
  if (parts_.size() >= kMostParts) return TooManyParts();
  MIXMATCH_RETURN_IF_ERROR(DescribePart(content, &draft));
  parts_.push_back(std::move(draft));
  return absl::OkStatus();
}

absl::Status PartList::AddWords(absl::string_view words, int picture) {
  for (const TextChunk& chunk : CutText(words)) {
    if (words_.size() >= kMostWords) break;
    const PartDraft& of = parts_[static_cast<size_t>(picture)];
    PartDraft draft;
    draft.kind = v1::PART_KIND_WORDS;
    draft.page = of.page;
    draft.box = of.box;
    draft.title = of.title;
    draft.describes = picture;
    PartContent content;
    content.modality = Modality::kText;
    content.text = words.substr(chunk.start, chunk.end - chunk.start);
    draft.snippet = std::string(Prefix(content.text, kSnippetBytes));
    MIXMATCH_RETURN_IF_ERROR(DescribePart(content, &draft));
    draft.modality = v1::MODALITY_IMAGE;  // It is found as the picture is.
    words_.push_back(std::move(draft));
  }
  return absl::OkStatus();
}

std::vector<PartDraft> PartList::Take() {
  std::move(words_.begin(), words_.end(), std::back_inserter(parts_));
  words_.clear();
  return std::move(parts_);
}

uint64_t Characters(absl::string_view text) {
  return static_cast<uint64_t>(std::count_if(text.begin(), text.end(), [](char c) { return !IsContinuation(c); }));
}

absl::string_view Prefix(absl::string_view text, size_t bytes) {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && IsContinuation(text[bytes])) --bytes;
  return text.substr(0, bytes);
}

}  // namespace mixmatch::model
