// Cuts decoded media into parts: windows of sound, shots of video, chunks of text, one picture; and describes each.
#ifndef MIXMATCH_MODEL_PARTS_PARTS_H_
#define MIXMATCH_MODEL_PARTS_PARTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "mixmatch/v1/item.pb.h"
#include "model/media/decoded.h"
#include "model/modality/modality.h"

namespace mixmatch::model {

inline constexpr int kMostParts = 61'440;  // Of one item; longer media are refused.
inline constexpr int kMostWords = 4'096;   // Beside them, parts of words read in pictures; further ones are left out.

// A part before it is stored. Times are from the start of the item.
struct PartDraft {
  v1::Modality modality = v1::MODALITY_UNSPECIFIED;
  int slot = 0;  // The place in ModalityTable() of the room that described it.
  double start_seconds = 0.0;
  double end_seconds = 0.0;
  uint64_t start_byte = 0;  // Of text: the chunk within the item's text.
  uint64_t end_byte = 0;
  std::string snippet;      // Of text, words in pictures, tables, series and scores: at most 200 bytes, cut between characters.
  v1::PartKind kind = v1::PART_KIND_UNSPECIFIED;
  uint32_t page = 0;        // From 1; see v1::Part for this and what follows.
  v1::Box box;              // Empty where the format does not say.
  uint64_t start_row = 0;
  uint64_t end_row = 0;
  int describes = -1;       // The draft that this one describes, by its place in the list of parts; -1: none.
  std::string title;        // At most 200 bytes, cut between characters.
  uint64_t start_character = 0;
  uint64_t end_character = 0;
  Described described;
};

// All parts, those of the item's own modality first, then by time; words read in pictures last. Deterministic, on the
// calling thread.
// - sound: see SoundWindows; video: see ShotCutter; subtitles, chapters, tags: a part each; a cover: a picture;
// - documents, tables, series, scores: see AddDocument, AddTable, CutSeries, AddScore;
// - words read in a picture: chunks like those of text, described by the text's room, of the picture's modality;
// - text: chunks of up to 1,500 bytes that end at a paragraph, a sentence or a space; see AddText.
// INVALID_ARGUMENT if nothing is left (a text of white space). RESOURCE_EXHAUSTED beyond kMostParts.
absl::StatusOr<std::vector<PartDraft>> MakeParts(const DecodedMedia& media);

// A stretch of text, in bytes.
struct TextChunk {
  uint64_t start = 0;
  uint64_t end = 0;
};
std::vector<TextChunk> CutText(absl::string_view text);

// First frame of each shot, ascending, beginning with 0.
std::vector<size_t> CutShots(absl::Span<const DecodedFrame> frames);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_PARTS_PARTS_H_
