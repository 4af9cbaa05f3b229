#include "model/parts/text_parts.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "proto/base/status_macros.h"

namespace mixmatch::model {
namespace {

constexpr size_t kChunkBytes = 1500;
constexpr size_t kOverlapBytes = 160;  // At most, of the chunk before.

// Where the last sentence before `start` begins, if that is near and not before `least`; else `start`.
uint64_t OverlapStart(absl::string_view text, uint64_t least, uint64_t start) {
  const uint64_t from = std::max<uint64_t>(least, start > kOverlapBytes ? start - kOverlapBytes : 0);
  absl::string_view near = text.substr(from, start - from);
  near = near.substr(0, near.find_last_not_of(" \t\r\n") + 1);  // The end of that sentence is no beginning.
  if (near.size() < 2) return start;
  const size_t stop = near.substr(0, near.size() - 1).rfind(". ");
  return stop == absl::string_view::npos ? start : from + stop + 2;
}

}  // namespace

absl::Status AddText(absl::string_view text, double start, double end, PartList& parts) {
  uint64_t counted_bytes = 0, counted_characters = 0;
  const auto character_at = [&](uint64_t byte) {  // Ascending calls, but for the overlap.
    if (byte < counted_bytes) return counted_characters - Characters(text.substr(byte, counted_bytes - byte));
    counted_characters += Characters(text.substr(counted_bytes, byte - counted_bytes));
    counted_bytes = byte;
    return counted_characters;
  };
  uint64_t before = 0;  // Where the chunk before began.
  for (const TextChunk& chunk : CutText(text)) {
    const uint64_t first = chunk.start == 0 ? 0 : OverlapStart(text, before, chunk.start);
    before = chunk.start;
    PartContent content;
    content.modality = Modality::kText;
    content.text = text.substr(first, chunk.end - first);
    PartDraft draft;
    draft.start_seconds = start;
    draft.end_seconds = end;
    draft.start_byte = first;
    draft.end_byte = chunk.end;
    draft.start_character = character_at(first);
    draft.end_character = character_at(chunk.end);
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
