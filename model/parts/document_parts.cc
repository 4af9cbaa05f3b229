#include "model/parts/document_parts.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "model/parts/table_parts.h"
#include "proto/base/status_macros.h"

namespace mixmatch::model {
namespace {

using Kind = DecodedBlock::Kind;

class DocumentParts {
 public:
  explicit DocumentParts(const std::vector<DecodedBlock>& blocks) : blocks_(blocks), draft_of_(blocks.size(), -1) {}

  absl::Status AddTo(PartList& parts) {
    for (size_t b = 0; b < blocks_.size(); ++b) MIXMATCH_RETURN_IF_ERROR(AddBlock(b));
    MIXMATCH_RETURN_IF_ERROR(FlushSection());
    const int first = static_cast<int>(parts.size());
    for (PartDraft& draft : own_.Take()) {
      if (draft.describes >= 0) draft.describes = draft_of_[draft.describes];
      if (draft.describes >= 0) draft.describes += first;
      parts.Add(std::move(draft));
    }
    for (const auto& [words, picture] : words_) MIXMATCH_RETURN_IF_ERROR(parts.AddWords(words, first + picture));
    return absl::OkStatus();
  }

 private:
  absl::Status AddBlock(size_t b) {
    const DecodedBlock& block = blocks_[b];
    if (block.page != page_ || block.kind == Kind::kHeading) MIXMATCH_RETURN_IF_ERROR(FlushSection());
    page_ = block.page;
    switch (block.kind) {
      case Kind::kHeading:
        title_ = std::string(Prefix(block.text, kSnippetBytes));
        [[fallthrough]];
      case Kind::kText:
        AddToSection(block);
        return absl::OkStatus();
      case Kind::kCaption:
        return AddCaption(b);
      case Kind::kTable:
        return AddTable(b);
      default:
        return AddPicture(b);
    }
  }

  PartDraft Draft(const DecodedBlock& block, v1::PartKind kind) const {
    PartDraft draft;
    draft.kind = kind;
    draft.page = static_cast<uint32_t>(block.page);
    draft.title = title_;
    if (block.right > block.left && block.bottom > block.top) {
      draft.box.set_left(block.left);
      draft.box.set_top(block.top);
      draft.box.set_right(block.right);
      draft.box.set_bottom(block.bottom);
    }
    return draft;
  }

  void AddToSection(const DecodedBlock& block) {
    if (section_.empty()) {
      where_ = block;
      where_.text.clear();
    } else {
      section_ += "\n\n";
      where_.left = std::min(where_.left, block.left);
      where_.top = std::min(where_.top, block.top);
      where_.right = std::max(where_.right, block.right);
      where_.bottom = std::max(where_.bottom, block.bottom);
    }
    section_ += block.text;
  }

  absl::Status FlushSection() {
    if (section_.empty()) return absl::OkStatus();
    const std::string text = std::exchange(section_, "");
    const std::vector<TextChunk> chunks = CutText(text);
    for (const TextChunk& chunk : chunks) {
      PartDraft draft = Draft(where_, v1::PART_KIND_UNSPECIFIED);
      if (chunks.size() > 1) draft.box.Clear();
      MIXMATCH_RETURN_IF_ERROR(Describe(text, chunk, std::move(draft)));
    }
    Advance(text);
    return absl::OkStatus();
  }

  absl::Status Describe(absl::string_view text, const TextChunk& chunk, PartDraft draft) {
    PartContent content;
    content.modality = Modality::kText;
    content.text = text.substr(chunk.start, chunk.end - chunk.start);
    draft.start_byte = bytes_ + chunk.start;
    draft.end_byte = bytes_ + chunk.end;
    draft.start_character = characters_ + Characters(text.substr(0, chunk.start));
    draft.end_character = draft.start_character + Characters(content.text);
    draft.snippet = std::string(Prefix(content.text, kSnippetBytes));
    return own_.Describe(content, std::move(draft));
  }

  // `text` and the two line feeds after it are behind us.
  void Advance(absl::string_view text) {
    bytes_ += text.size() + 2;
    characters_ += Characters(text) + 2;
  }

  absl::Status AddCaption(size_t b) {
    MIXMATCH_RETURN_IF_ERROR(FlushSection());
    const absl::string_view text = blocks_[b].text;
    PartDraft draft = Draft(blocks_[b], v1::PART_KIND_CAPTION);
    draft.describes = blocks_[b].describes;
    MIXMATCH_RETURN_IF_ERROR(Describe(text, {0, Prefix(text, kMostCaption).size()}, std::move(draft)));
    Advance(text);
    return absl::OkStatus();
  }

  absl::Status AddPicture(size_t b) {
    const DecodedBlock& block = blocks_[b];
    const v1::PartKind kind = block.kind == Kind::kFigure ? v1::PART_KIND_FIGURE
                              : block.kind == Kind::kPage ? v1::PART_KIND_PAGE
                                                          : v1::PART_KIND_COVER;
    PartContent content;
    content.modality = Modality::kImage;
    content.image = {block.image.width, block.image.height, block.image.rgb};
    draft_of_[b] = static_cast<int>(own_.size());
    MIXMATCH_RETURN_IF_ERROR(own_.Describe(content, Draft(block, kind)));
    words_.emplace_back(block.image.words, draft_of_[b]);
    return absl::OkStatus();
  }

  absl::Status AddTable(size_t b) {
    MIXMATCH_RETURN_IF_ERROR(FlushSection());
    const DecodedBlock& block = blocks_[b];
    draft_of_[b] = static_cast<int>(own_.size());
    return model::AddTable(block.table, Draft(block, v1::PART_KIND_ROWS), own_);
  }

  static constexpr size_t kMostCaption = 4'000;  // Bytes; a text room takes no more.

  const std::vector<DecodedBlock>& blocks_;
  std::vector<int> draft_of_;  // Of each figure and table: its place among our own.
  PartList own_;
  std::vector<std::pair<absl::string_view, int>> words_;  // Read in pictures, and the picture's place among our own.
  std::string title_;
  std::string section_;  // Texts of one section on one page,
  DecodedBlock where_;   // and where they are.
  int page_ = 0;
  uint64_t bytes_ = 0;  // Of the document's text, before what comes next.
  uint64_t characters_ = 0;
};

}  // namespace

absl::Status AddDocument(const DecodedMedia& media, PartList& parts) {
  return DocumentParts(media.blocks).AddTo(parts);
}

}  // namespace mixmatch::model
