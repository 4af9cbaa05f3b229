#include "model/parts/timed_parts.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "proto/base/status_macros.h"

namespace mixmatch::model {
namespace {

PartContent TextContent(absl::string_view text) {
  PartContent content;
  content.modality = Modality::kText;
  content.text = text;
  return content;
}

PartDraft TextDraft(absl::string_view text, v1::PartKind kind, double start, double end, absl::string_view title) {
  PartDraft draft;
  draft.kind = kind;
  draft.start_seconds = start;
  draft.end_seconds = end;
  draft.snippet = std::string(Prefix(text, kSnippetBytes));
  draft.title = std::string(Prefix(title, kSnippetBytes));
  return draft;
}

std::pair<int, double> Place(v1::Modality of_item, v1::Modality modality, v1::PartKind kind, double start) {
  const int later = modality == v1::MODALITY_AUDIO ? 1 : 1 + static_cast<int>(kind);
  return {modality == of_item ? 0 : later, start};
}

bool HasWords(absl::string_view text) { return text.find_first_not_of(" \t\r\n\v\f") != absl::string_view::npos; }

}  // namespace

absl::Status TimedPartMaker::Begin(v1::Modality modality, const std::string& media_type) {
  modality_ = modality;
  media_type_ = media_type;
  return absl::OkStatus();
}

absl::Status TimedPartMaker::Frame(DecodedFrame frame) {
  seconds_ = std::max(seconds_, frame.seconds);
  cutter_.Add(frame.image, frame.seconds);
  frames_.push_back(std::move(frame));
  return GiveShots();
}

absl::Status TimedPartMaker::Samples(double start_seconds, absl::Span<const float> samples) {
  sound_start_ = start_seconds;
  windows_.Add(samples);
  return GiveWindows();
}

absl::Status TimedPartMaker::Subtitle(DecodedSubtitle subtitle) {
  return GiveText(subtitle.text, v1::PART_KIND_SUBTITLE, subtitle.start_seconds, subtitle.end_seconds, subtitle.track);
}

absl::Status TimedPartMaker::Chapter(DecodedChapter chapter) {
  MIXMATCH_RETURN_IF_ERROR(
      GiveText(chapter.title, v1::PART_KIND_CHAPTER, chapter.start_seconds, chapter.end_seconds, chapter.title));
  chapters_.push_back(std::move(chapter));
  return absl::OkStatus();
}

absl::Status TimedPartMaker::Tags(std::string tags) { return GiveText(tags, v1::PART_KIND_TAGS, 0.0, 0.0, ""); }

absl::Status TimedPartMaker::Cover(DecodedImage cover) {
  PartContent content;
  content.modality = Modality::kImage;
  content.image = {cover.width, cover.height, cover.rgb};
  PartDraft draft;
  draft.kind = v1::PART_KIND_COVER;
  return Give(content, std::move(draft));
}

absl::Status TimedPartMaker::SoundTrack(std::string title) {
  sound_track_ = std::move(title);
  return absl::OkStatus();
}

absl::Status TimedPartMaker::Finish(double duration_seconds) {
  cutter_.Finish();
  windows_.Finish();
  MIXMATCH_RETURN_IF_ERROR(GiveShots());
  if (!frames_.empty()) {
    MIXMATCH_RETURN_IF_ERROR(GiveShot(frames_.size(), std::max(duration_seconds, frames_.front().seconds)));
  }
  return GiveWindows();
}

absl::Status TimedPartMaker::GiveShots() {
  bool begins = false;
  while (cutter_.Next(&begins)) {
    if (begins && decided_ > 0) MIXMATCH_RETURN_IF_ERROR(GiveShot(decided_, frames_[decided_].seconds));
    ++decided_;
  }
  return absl::OkStatus();
}

// The first `frames` of frames_.
absl::Status TimedPartMaker::GiveShot(size_t frames, double end_seconds) {
  std::vector<TimedFrame> views;
  views.reserve(frames);
  for (size_t f = 0; f < frames; ++f) {
    const DecodedImage& image = frames_[f].image;
    views.push_back({{image.width, image.height, image.rgb}, frames_[f].seconds});
  }
  PartContent content;
  content.modality = Modality::kVideo;
  content.frames = views;
  PartDraft draft;
  draft.start_seconds = frames_.front().seconds;
  draft.end_seconds = end_seconds;
  draft.title = ChapterAt(draft.start_seconds);
  MIXMATCH_RETURN_IF_ERROR(Give(content, std::move(draft)));
  frames_.erase(frames_.begin(), frames_.begin() + frames);
  decided_ -= std::min(decided_, frames);
  return absl::OkStatus();
}

absl::Status TimedPartMaker::GiveWindows() {
  double start = 0.0, end = 0.0;
  PartContent content;
  content.modality = Modality::kAudio;
  while (windows_.Next(&start, &end, &content.pcm)) {
    PartDraft draft;
    draft.start_seconds = sound_start_ + start;
    draft.end_seconds = sound_start_ + end;
    seconds_ = std::max(seconds_, draft.end_seconds);
    const std::string chapter = ChapterAt(draft.start_seconds);
    const bool both = !chapter.empty() && !sound_track_.empty();
    draft.title = std::string(Prefix(absl::StrCat(chapter, both ? "; " : "", sound_track_), kSnippetBytes));
    MIXMATCH_RETURN_IF_ERROR(Give(content, std::move(draft)));
  }
  return absl::OkStatus();
}

absl::Status TimedPartMaker::GiveText(absl::string_view text, v1::PartKind kind, double start, double end,
                                      absl::string_view title) {
  if (!HasWords(text)) return absl::OkStatus();
  return Give(TextContent(text), TextDraft(text, kind, start, end, title));
}

absl::Status TimedPartMaker::Give(const PartContent& content, PartDraft draft) {
  if (++parts_ > kMostParts) return TooManyParts();
  const absl::Time start = absl::Now();
  MIXMATCH_RETURN_IF_ERROR(DescribePart(content, &draft));
  describe_seconds_ += absl::ToDoubleSeconds(absl::Now() - start);
  return take_(std::move(draft));
}

std::string TimedPartMaker::ChapterAt(double seconds) const {
  for (const DecodedChapter& chapter : chapters_) {
    if (chapter.start_seconds <= seconds && seconds < chapter.end_seconds) {
      return std::string(Prefix(chapter.title, kSnippetBytes));
    }
  }
  return "";
}

absl::Status AddTimed(const DecodedMedia& media, PartList& parts) {
  std::vector<PartDraft> drafts;
  TimedPartMaker maker([&](PartDraft draft) {
    drafts.push_back(std::move(draft));
    return absl::OkStatus();
  });
  MIXMATCH_RETURN_IF_ERROR(maker.Begin(media.modality, media.media_type));
  if (!media.tags.empty()) MIXMATCH_RETURN_IF_ERROR(maker.Tags(media.tags));
  if (!media.cover.rgb.empty()) MIXMATCH_RETURN_IF_ERROR(maker.Cover(media.cover));
  MIXMATCH_RETURN_IF_ERROR(maker.SoundTrack(media.sound_track));
  for (const DecodedChapter& chapter : media.chapters) MIXMATCH_RETURN_IF_ERROR(maker.Chapter(chapter));
  for (const DecodedFrame& frame : media.frames) MIXMATCH_RETURN_IF_ERROR(maker.Frame(frame));
  if (!media.samples.empty()) {
    MIXMATCH_RETURN_IF_ERROR(maker.Samples(media.samples_start_seconds, media.samples));
  }
  for (const DecodedSubtitle& subtitle : media.subtitles) MIXMATCH_RETURN_IF_ERROR(maker.Subtitle(subtitle));
  MIXMATCH_RETURN_IF_ERROR(maker.Finish(media.duration_seconds));
  std::stable_sort(drafts.begin(), drafts.end(), [&](const PartDraft& a, const PartDraft& b) {
    return TimedPartComesFirst(media.modality, a, b);
  });
  for (PartDraft& draft : drafts) parts.Add(std::move(draft));
  return absl::OkStatus();
}

absl::Status AddSubtitles(const DecodedMedia& media, PartList& parts) {
  for (const DecodedSubtitle& cue : media.subtitles) {
    if (!HasWords(cue.text)) continue;
    MIXMATCH_RETURN_IF_ERROR(
        parts.Describe(TextContent(cue.text), TextDraft(cue.text, v1::PART_KIND_SUBTITLE, cue.start_seconds,
                                                        cue.end_seconds, cue.track)));
  }
  return absl::OkStatus();
}

bool TimedPartComesFirst(v1::Modality modality, const PartDraft& a, const PartDraft& b) {
  return Place(modality, a.modality, a.kind, a.start_seconds) < Place(modality, b.modality, b.kind, b.start_seconds);
}

bool TimedPartComesFirst(v1::Modality modality, const v1::Part& a, const v1::Part& b) {
  return Place(modality, a.modality(), a.kind(), a.start_seconds()) <
         Place(modality, b.modality(), b.kind(), b.start_seconds());
}

std::vector<size_t> CutShots(absl::Span<const DecodedFrame> frames) {
  ShotCutter cutter;
  for (const DecodedFrame& frame : frames) cutter.Add(frame.image, frame.seconds);
  cutter.Finish();
  std::vector<size_t> cuts;
  bool begins = false;
  for (size_t f = 0; cutter.Next(&begins); ++f) {
    if (begins) cuts.push_back(f);
  }
  return cuts;
}

}  // namespace mixmatch::model
