#include "model/parts/timed_parts.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "proto/base/status_macros.h"

namespace mixmatch::model {
namespace {

constexpr double kRate = 16000.0;
constexpr double kWholeSeconds = 12.0;  // Sounds and shots up to this long stay whole.
constexpr double kWindowSeconds = 10.0;
constexpr double kHopSeconds = 8.0;

// Mean absolute difference of two frames over a coarse grid, 0 to 255.
double Difference(const DecodedImage& a, const DecodedImage& b) {
  if (a.width != b.width || a.height != b.height) return 255.0;
  double sum = 0.0;
  size_t count = 0;
  for (size_t i = 0; i < a.rgb.size(); i += 7, ++count) sum += std::abs(int{a.rgb[i]} - int{b.rgb[i]});
  return count == 0 ? 0.0 : sum / count;
}

}  // namespace

absl::Status AddSound(const DecodedMedia& media, PartList& parts) {
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
    MIXMATCH_RETURN_IF_ERROR(parts.Describe(content, std::move(draft)));
    if (last == media.samples.size()) break;
  }
  return absl::OkStatus();
}

absl::Status AddShots(const DecodedMedia& media, PartList& parts) {
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
    MIXMATCH_RETURN_IF_ERROR(parts.Describe(content, std::move(draft)));
  }
  return absl::OkStatus();
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

}  // namespace mixmatch::model
