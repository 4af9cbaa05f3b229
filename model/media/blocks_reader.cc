#include "model/media/blocks_reader.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "model/media/wire.h"
#include "model/media/wire_values.h"

namespace mixmatch::model {
namespace {

using Kind = DecodedBlock::Kind;

bool IsShare(float value) { return value >= 0.0f && value <= 1.0f; }

bool WantsPicture(Kind kind) { return kind == Kind::kFigure || kind == Kind::kPage || kind == Kind::kCover; }

bool IsDescribed(Kind kind) { return kind == Kind::kFigure || kind == Kind::kTable; }

}  // namespace

uint32_t BlocksReader::most_bytes() const {
  const int64_t picture = int64_t{3} * limits_.image_side * limits_.image_side;
  return static_cast<uint32_t>(
      std::min<int64_t>(sizeof(WireBlock) + picture + limits_.max_text_bytes + 4 * limits_.max_cells, UINT32_MAX));
}

bool BlocksReader::Add(absl::string_view body, DecodedMedia* media) {
  WireBlock head;
  if (media->blocks.size() >= static_cast<size_t>(limits_.max_blocks) || !TakeValue(&body, &head)) return false;
  if (head.kind < static_cast<int>(Kind::kText) || head.kind > static_cast<int>(Kind::kCover)) return false;
  if (head.page < 0 || head.text_bytes > body.size() || head.describes < -1) return false;
  if (!IsShare(head.left) || !IsShare(head.top) || !IsShare(head.right) || !IsShare(head.bottom)) return false;
  if (head.left > head.right || head.top > head.bottom) return false;
  DecodedBlock block;
  block.kind = static_cast<Kind>(head.kind);
  block.page = head.page;
  block.left = head.left;
  block.top = head.top;
  block.right = head.right;
  block.bottom = head.bottom;
  block.describes = head.describes;
  if (block.describes >= 0 && block.kind != Kind::kCaption) return false;
  const absl::string_view text = body.substr(0, head.text_bytes), rgb = body.substr(head.text_bytes);
  text_bytes_ += static_cast<int64_t>(text.size());
  if (text_bytes_ > limits_.max_text_bytes + 4 * limits_.max_cells) return false;
  if (block.kind == Kind::kTable) {
    if (!AddTable(text, head.columns, &block.table)) return false;
  } else {
    block.text = std::string(text);
  }
  if (WantsPicture(block.kind)) {
    const bool shaped = head.width >= 1 && head.height >= 1 && head.width <= limits_.image_side &&
                        head.height <= limits_.image_side &&
                        rgb.size() == size_t{3} * static_cast<size_t>(head.width) * static_cast<size_t>(head.height);
    if (!shaped || ++pictures_ > limits_.max_document_pictures) return false;
    block.image.width = head.width;
    block.image.height = head.height;
    block.image.rgb.assign(rgb.begin(), rgb.end());
  } else if (!rgb.empty()) {
    return false;
  }
  media->blocks.push_back(std::move(block));
  return true;
}

bool BlocksReader::AddTable(absl::string_view text, uint32_t columns, DecodedTable* table) {
  if (columns == 0 || columns > static_cast<uint32_t>(limits_.max_columns)) return false;
  std::vector<std::string> strings;
  const size_t head = 1 + size_t{columns};
  const auto cells_left = static_cast<size_t>(std::max<int64_t>(0, limits_.max_cells - cells_));
  if (!TakeStrings(text, head + cells_left, &strings) || strings.size() < head) return false;
  const auto cells = strings.begin() + static_cast<ptrdiff_t>(head);
  table->name = std::move(strings.front());
  table->columns.assign(std::make_move_iterator(strings.begin() + 1), std::make_move_iterator(cells));
  table->cells.assign(std::make_move_iterator(cells), std::make_move_iterator(strings.end()));
  cells_ += static_cast<int64_t>(table->cells.size());
  return table->cells.size() % columns == 0;
}

bool BlocksReader::Take(DecodedMedia* media) {
  const std::vector<DecodedBlock>& blocks = media->blocks;
  for (const DecodedBlock& block : blocks) {
    if (block.describes < 0) continue;
    const size_t other = static_cast<size_t>(block.describes);
    if (other >= blocks.size() || !IsDescribed(blocks[other].kind)) return false;
  }
  media->modality = v1::MODALITY_DOCUMENT;
  return !blocks.empty() && media->frames.empty() && media->text.empty() && media->table.columns.empty();
}

}  // namespace mixmatch::model
