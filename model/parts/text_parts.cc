#include "model/parts/text_parts.h"

#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "proto/base/status_macros.h"

namespace mixmatch::model {
namespace {

constexpr size_t kChunkBytes = 1500;

}  // namespace

absl::Status AddText(absl::string_view text, double start, double end, PartList& parts) {
  for (const TextChunk& chunk : CutText(text)) {
    PartContent content;
    content.modality = Modality::kText;
    content.text = text.substr(chunk.start, chunk.end - chunk.start);
    PartDraft draft;
    draft.start_seconds = start;
    draft.end_seconds = end;
    draft.start_byte = chunk.start;
    draft.end_byte = chunk.end;
    draft.snippet = std::string(Prefix(content.text, kSnippetBytes));
    MIXMATCH_RETURN_IF_ERROR(parts.Describe(content, std::move(draft)));
  }
  return absl::OkStatus();
}

std::vector<TextChunk> CutText(absl::string_view text) {
  std::vector<TextChunk> chunks;
  size_t at = 0;
  while (at < text.size()) {
    while (at < text.size() && absl::ascii_isspace(text[at])) ++at;
    const absl::string_view window = Prefix(text.substr(at), kChunkBytes);
    if (window.empty()) break;
    size_t size = window.size();
    if (at + size < text.size()) {
      // The last paragraph, else sentence, else space of the second half.
      for (absl::string_view mark : {"\n\n", ". ", "\n", " "}) {
        const size_t found = window.rfind(mark);
        if (found != absl::string_view::npos && found > kChunkBytes / 2) {
          size = found + mark.size();
          break;
        }
      }
    }
    size_t end = at + size;
    while (end > at && absl::ascii_isspace(text[end - 1])) --end;
    if (end > at) chunks.push_back({at, end});
    at += size;
  }
  return chunks;
}

}  // namespace mixmatch::model
