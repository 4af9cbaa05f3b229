#include "model/media/media_collector.h"

#include <utility>

#include "absl/strings/str_format.h"
#include "model/media/wire.h"
#include "proto/base/status_macros.h"

namespace mixmatch::model {

absl::Status MediaCollector::Begin(v1::Modality modality, const std::string& media_type) {
  media_.modality = modality;
  media_.media_type = media_type;
  return absl::OkStatus();
}

absl::Status MediaCollector::Frame(DecodedFrame frame) {
  if (seen_++ % stride_ != 0) return absl::OkStatus();
  std::vector<DecodedFrame>& frames = media_.frames;
  if (frames.size() >= max_frames_) {
    size_t kept = 0;
    for (size_t i = 0; i < frames.size(); i += 2) std::swap(frames[kept++], frames[i]);
    frames.resize(kept);
    stride_ *= 2;
    if ((seen_ - 1) % stride_ != 0) return absl::OkStatus();
  }
  if (frames.size() < max_frames_) frames.push_back(std::move(frame));
  return absl::OkStatus();
}

absl::Status MediaCollector::Samples(double start_seconds, absl::Span<const float> samples) {
  if (media_.samples.empty()) media_.samples_start_seconds = start_seconds;
  if (media_.samples.size() + samples.size() > max_seconds_ * kSampleRate) {
    return absl::ResourceExhaustedError(absl::StrFormat(
        "content: got a sound of more than %g s, wanted at most that much at once; send a piece of it", max_seconds_));
  }
  media_.samples.insert(media_.samples.end(), samples.begin(), samples.end());
  return absl::OkStatus();
}

absl::Status MediaCollector::Subtitle(DecodedSubtitle subtitle) {
  media_.subtitles.push_back(std::move(subtitle));
  return absl::OkStatus();
}

absl::Status MediaCollector::Chapter(DecodedChapter chapter) {
  media_.chapters.push_back(std::move(chapter));
  return absl::OkStatus();
}

absl::Status MediaCollector::Tags(std::string tags) {
  media_.tags = std::move(tags);
  return absl::OkStatus();
}

absl::Status MediaCollector::Cover(DecodedImage cover) {
  media_.cover = std::move(cover);
  return absl::OkStatus();
}

absl::Status MediaCollector::SoundTrack(std::string title) {
  media_.sound_track = std::move(title);
  return absl::OkStatus();
}

void MediaCollector::MoveTo(DecodedMedia* media) {
  media->frames = std::move(media_.frames);
  media->samples = std::move(media_.samples);
  media->samples_start_seconds = media_.samples_start_seconds;
  media->subtitles = std::move(media_.subtitles);
  media->chapters = std::move(media_.chapters);
  media->tags = std::move(media_.tags);
  media->cover = std::move(media_.cover);
  media->sound_track = std::move(media_.sound_track);
}

absl::Status Replay(DecodedMedia media, MediaSink* sink) {
  MIXMATCH_RETURN_IF_ERROR(sink->Begin(media.modality, media.media_type));
  if (!media.tags.empty()) MIXMATCH_RETURN_IF_ERROR(sink->Tags(std::move(media.tags)));
  if (!media.cover.rgb.empty()) MIXMATCH_RETURN_IF_ERROR(sink->Cover(std::move(media.cover)));
  if (!media.sound_track.empty()) MIXMATCH_RETURN_IF_ERROR(sink->SoundTrack(std::move(media.sound_track)));
  for (DecodedChapter& chapter : media.chapters) MIXMATCH_RETURN_IF_ERROR(sink->Chapter(std::move(chapter)));
  for (DecodedFrame& frame : media.frames) MIXMATCH_RETURN_IF_ERROR(sink->Frame(std::move(frame)));
  if (!media.samples.empty()) MIXMATCH_RETURN_IF_ERROR(sink->Samples(media.samples_start_seconds, media.samples));
  for (DecodedSubtitle& subtitle : media.subtitles) MIXMATCH_RETURN_IF_ERROR(sink->Subtitle(std::move(subtitle)));
  return absl::OkStatus();
}

}  // namespace mixmatch::model
