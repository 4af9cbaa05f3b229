#include "model/media/worker/document_writer.h"

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "model/media/worker/content.h"
#include "model/media/worker/scan.h"
#include "model/media/worker/sniff.h"
#include "model/media/worker/still.h"
#include "model/media/worker/svg.h"
#include "proto/base/status_macros.h"

namespace mixmatch::model {
namespace {

using Kind = DecodedBlock::Kind;

constexpr int kIconSide = 32;  // Pixels.

absl::Status TooMuch(absl::string_view what, int64_t most) {
  return absl::ResourceExhaustedError(
      absl::StrCat("content: got a document of more than ", most, " ", what, "; cut it into shorter ones"));
}

bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// A no-break space is one too.
size_t SpaceAt(absl::string_view text, size_t at) {
  if (IsSpace(text[at])) return 1;
  return text.substr(at, 2) == "\xc2\xa0" ? 2 : 0;
}

}  // namespace

std::string Folded(absl::string_view text) {
  std::string folded;
  folded.reserve(text.size());
  bool space = false;
  while (!text.empty()) {
    const size_t valid = ValidUtf8Prefix(text);
    for (size_t at = 0; at < valid;) {
      if (const size_t skipped = SpaceAt(text.substr(0, valid), at); skipped > 0) {
        space = true;
        at += skipped;
        continue;
      }
      if (space && !folded.empty()) folded += ' ';
      space = false;
      folded += text[at++];
    }
    text.remove_prefix(valid);
    if (text.empty()) break;
    if (text.front() != '\0') absl::StrAppend(&folded, space && !folded.empty() ? " " : "", "\xef\xbf\xbd");
    space = false;
    text.remove_prefix(1);
  }
  return folded;
}

absl::Status DocumentWriter::Append(DecodedBlock block, Picture picture) {
  if (blocks_.size() >= static_cast<size_t>(request_.max_blocks)) {
    return TooMuch("texts, pictures and tables (--max-blocks)", request_.max_blocks);
  }
  if (page_ > 0) block.page = page_;
  block.left = box_.left;
  block.top = box_.top;
  block.right = box_.right;
  block.bottom = box_.bottom;
  blocks_.push_back({std::move(block), std::move(picture)});
  return absl::OkStatus();
}

absl::Status DocumentWriter::AppendText(Kind kind, absl::string_view utf8, int describes) {
  DecodedBlock block;
  block.kind = kind;
  block.text = Folded(utf8);
  block.describes = describes;
  if (block.text.empty()) return absl::OkStatus();
  text_bytes_ += static_cast<int64_t>(block.text.size());
  if (text_bytes_ > request_.max_text_bytes)
    return TooMuch("bytes of text (--max-text-bytes)", request_.max_text_bytes);
  return Append(std::move(block));
}

absl::Status DocumentWriter::Text(absl::string_view utf8) { return AppendText(Kind::kText, utf8, -1); }

absl::Status DocumentWriter::Heading(absl::string_view utf8) { return AppendText(Kind::kHeading, utf8, -1); }

absl::Status DocumentWriter::Caption(absl::string_view utf8) { return AppendText(Kind::kCaption, utf8, described_); }

absl::Status DocumentWriter::CaptionOfNext(absl::string_view utf8) {
  const size_t before = blocks_.size();
  MIXMATCH_RETURN_IF_ERROR(AppendText(Kind::kCaption, utf8, -1));
  if (blocks_.size() > before) awaiting_ = static_cast<int>(before);
  return absl::OkStatus();
}

absl::Status DocumentWriter::Add(Kind kind, Picture picture) {
  added_ = false;
  if (++pictures_ > request_.max_document_pictures) {
    return TooMuch("pictures (--max-document-pictures)", request_.max_document_pictures);
  }
  scan_bytes_ += static_cast<int64_t>(picture.scan.gray.size());
  if (scan_bytes_ > request_.max_scan_bytes) picture.scan = {};
  DecodedBlock block;
  block.kind = kind;
  MIXMATCH_RETURN_IF_ERROR(Append(std::move(block), std::move(picture)));
  added_ = true;
  if (kind == Kind::kFigure) LastIsDescribed();
  return absl::OkStatus();
}

void DocumentWriter::LastIsDescribed() {
  described_ = static_cast<int>(blocks_.size()) - 1;
  ++described_count_;
  if (awaiting_ >= 0 && blocks_[awaiting_].block.page == blocks_[described_].block.page) {
    blocks_[awaiting_].block.describes = described_;
  }
  awaiting_ = -1;
}

absl::Status DocumentWriter::AppendFile(Kind kind, std::string file) {
  added_ = false;
  // A picture that cannot be read says nothing; the rest of the document does.
  auto content = Content::OfBytes(std::move(file));
  if (!content.ok()) return absl::OkStatus();
  const SniffedType type = Sniff(*content);
  absl::StatusOr<Picture> picture = absl::UnimplementedError("");
  const bool read_words = ReadsFigures(request_);
  if (type.kind == Sniffed::kStill) picture = ReadStill(*content, type.media_type, request_, read_words);
  if (type.kind == Sniffed::kSvg) picture = ReadSvg(*content, request_, read_words);
  if (!picture.ok() || std::max(picture->width, picture->height) <= kIconSide) return absl::OkStatus();
  return Add(kind, *std::move(picture));
}

absl::Status DocumentWriter::Figure(std::string file) { return AppendFile(Kind::kFigure, std::move(file)); }

absl::Status DocumentWriter::Cover(std::string file) { return AppendFile(Kind::kCover, std::move(file)); }

absl::Status DocumentWriter::Table(DecodedTable table) {
  added_ = false;
  if (table.columns.empty() || table.cells.empty()) return absl::OkStatus();
  if (table.columns.size() > static_cast<size_t>(request_.max_columns)) {
    return TooMuch("columns in a table (--max-columns)", request_.max_columns);
  }
  cells_ += static_cast<int64_t>(table.cells.size());
  if (cells_ > request_.max_cells) return TooMuch("cells (--max-cells)", request_.max_cells);
  for (const std::string& cell : table.cells) text_bytes_ += static_cast<int64_t>(cell.size());
  if (text_bytes_ > request_.max_text_bytes)
    return TooMuch("bytes of text (--max-text-bytes)", request_.max_text_bytes);
  DecodedBlock block;
  block.kind = Kind::kTable;
  block.table = std::move(table);
  MIXMATCH_RETURN_IF_ERROR(Append(std::move(block)));
  added_ = true;
  LastIsDescribed();
  return absl::OkStatus();
}

absl::Status DocumentWriter::Finish(absl::string_view media_type, ResponseWriter* writer) {
  if (blocks_.empty()) {
    return absl::InvalidArgumentError(
        "content: got a document without words, pictures or tables, wanted at least one; send another");
  }
  for (const Entry& entry : blocks_) writer->Block(entry.block, entry.picture);
  writer->Done(WireKind::kDocument, 0.0, media_type);
  return absl::OkStatus();
}

}  // namespace mixmatch::model
