#include "model/parts/parts.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "proto/base/status_macros.h"

namespace mixmatch::model {
namespace {

constexpr double kRate = 16000.0;
constexpr double kWholeSeconds = 12.0;   // Sounds and shots up to this long stay whole.
constexpr double kWindowSeconds = 10.0;
constexpr double kHopSeconds = 8.0;
constexpr size_t kChunkBytes = 1500;
constexpr size_t kSnippetBytes = 200;

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// The longest prefix of at most `bytes` bytes that ends between characters.
absl::string_view Prefix(absl::string_view text, size_t bytes) {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && IsContinuation(text[bytes])) --bytes;
  return text.substr(0, bytes);
}

// Mean absolute difference of two frames over a coarse grid, 0 to 255.
double Difference(const DecodedImage& a, const DecodedImage& b) {
  if (a.width != b.width || a.height != b.height) return 255.0;
  double sum = 0.0;
  size_t count = 0;
  for (size_t i = 0; i < a.rgb.size(); i += 7, ++count) sum += std::abs(int{a.rgb[i]} - int{b.rgb[i]});
  return count == 0 ? 0.0 : sum / count;
}

absl::Status Describe(const PartContent& content, PartDraft draft, std::vector<PartDraft>& parts) {
  if (parts.size() >= kMostParts) {
    return absl::ResourceExhaustedError(
        absl::StrCat("content: got more than ", kMostParts, " parts; cut the file into shorter ones"));
  }
  draft.modality = static_cast<v1::Modality>(content.modality);
  draft.slot = SlotOf(content.modality);
  MIXMATCH_ASSIGN_OR_RETURN(draft.described, ModalityTable()[draft.slot]->Describe(content));
  parts.push_back(std::move(draft));
  return absl::OkStatus();
}

absl::Status AddText(absl::string_view text, double start, double end, std::vector<PartDraft>& parts) {
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
    MIXMATCH_RETURN_IF_ERROR(Describe(content, std::move(draft), parts));
  }
  return absl::OkStatus();
}

absl::Status AddSound(const DecodedMedia& media, std::vector<PartDraft>& parts) {
  const double total = media.samples.size() / kRate;
  const double hop = total <= kWholeSeconds ? total + 1.0 : kHopSeconds;
  const double window = total <= kWholeSeconds ? total : kWindowSeconds;
  for (double start = 0.0; start < total; start += hop) {
    const size_t first = static_cast<size_t>(start * kRate);
    const size_t last = std::min(media.samples.size(), static_cast<size_t>(std::llround((start + window) * kRate)));
    PartContent content;
    content.modality = Modality::kAudio;
    content.pcm = absl::MakeConstSpan(media.samples).subspan(first, last - first);
    PartDraft draft;
    draft.start_seconds = media.samples_start_seconds + start;
    draft.end_seconds = media.samples_start_seconds + last / kRate;
    MIXMATCH_RETURN_IF_ERROR(Describe(content, std::move(draft), parts));
    if (last == media.samples.size()) break;
  }
  return absl::OkStatus();
}

absl::Status AddShots(const DecodedMedia& media, std::vector<PartDraft>& parts) {
  const std::vector<size_t> cuts = CutShots(media.frames);
  for (size_t c = 0; c < cuts.size(); ++c) {
    const size_t end = c + 1 < cuts.size() ? cuts[c + 1] : media.frames.size();
    std::vector<TimedFrame> frames;
    for (size_t f = cuts[c]; f < end; ++f) {
      const DecodedFrame& frame = media.frames[f];
      frames.push_back({{frame.image.width, frame.image.height, frame.image.rgb}, frame.seconds});
    }
    PartContent content;
    content.modality = Modality::kVideo;
    content.frames = frames;
    PartDraft draft;
    draft.start_seconds = media.frames[cuts[c]].seconds;
    draft.end_seconds = end < media.frames.size() ? media.frames[end].seconds
                                                  : std::max(media.duration_seconds, draft.start_seconds);
    MIXMATCH_RETURN_IF_ERROR(Describe(content, std::move(draft), parts));
  }
  return absl::OkStatus();
}

absl::Status AddPicture(const DecodedMedia& media, std::vector<PartDraft>& parts) {
  if (media.frames.empty()) return absl::OkStatus();
  const DecodedImage& image = media.frames.front().image;
  PartContent content;
  content.modality = Modality::kImage;
  content.image = {image.width, image.height, image.rgb};
  return Describe(content, PartDraft(), parts);
}

}  // namespace

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

std::vector<size_t> CutShots(absl::Span<const DecodedFrame> frames) {
  std::vector<size_t> cuts;
  if (frames.empty()) return cuts;
  cuts.push_back(0);
  std::vector<double> differences(frames.size(), 0.0);
  for (size_t f = 1; f < frames.size(); ++f) differences[f] = Difference(frames[f - 1].image, frames[f].image);
  for (size_t f = 1; f < frames.size(); ++f) {
    double around = 0.0;
    int count = 0;
    for (size_t n = f > 8 ? f - 8 : 1; n < std::min(frames.size(), f + 9); ++n) {
      if (n == f) continue;
      around += differences[n];
      ++count;
    }
    const double usual = count == 0 ? 0.0 : around / count;
    const double length = frames[f].seconds - frames[cuts.back()].seconds;
    const bool jump = length >= 0.5 && differences[f] > 30.0 && differences[f] > 4.0 * usual;
    if (jump || length >= kWholeSeconds) cuts.push_back(f);
  }
  return cuts;
}

absl::StatusOr<std::vector<PartDraft>> MakeParts(const DecodedMedia& media) {
  std::vector<PartDraft> parts;
  switch (media.modality) {
    case v1::MODALITY_TEXT:
      MIXMATCH_RETURN_IF_ERROR(AddText(media.text, 0.0, 0.0, parts));
      break;
    case v1::MODALITY_IMAGE:
      MIXMATCH_RETURN_IF_ERROR(AddPicture(media, parts));
      break;
    case v1::MODALITY_AUDIO:
      MIXMATCH_RETURN_IF_ERROR(AddSound(media, parts));
      break;
    case v1::MODALITY_VIDEO:
      MIXMATCH_RETURN_IF_ERROR(AddShots(media, parts));
      if (!media.samples.empty()) MIXMATCH_RETURN_IF_ERROR(AddSound(media, parts));
      break;
    default:
      return absl::UnimplementedError(absl::StrCat("content: modality ", v1::Modality_Name(media.modality),
                                                   " has no room yet; send text, a picture, a sound or a video"));
  }
  for (const DecodedSubtitle& subtitle : media.subtitles) {
    MIXMATCH_RETURN_IF_ERROR(AddText(subtitle.text, subtitle.start_seconds, subtitle.end_seconds, parts));
  }
  if (parts.empty()) {
    return absl::InvalidArgumentError(media.modality == v1::MODALITY_TEXT
                                          ? "content: got text of white space only, wanted at least one word"
                                          : "content: got nothing that can be seen, heard or read");
  }
  return parts;
}

}  // namespace mixmatch::model
