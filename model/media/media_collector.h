// A whole sound or video in memory: for short things and queries.
#ifndef MIXMATCH_MODEL_MEDIA_MEDIA_COLLECTOR_H_
#define MIXMATCH_MODEL_MEDIA_MEDIA_COLLECTOR_H_

#include <string>

#include "model/media/decoded.h"
#include "model/media/media_sink.h"

namespace mixmatch::model {

class MediaCollector final : public MediaSink {
 public:
  // Keeps every other frame when there are more than `max_frames`, and again when that was not enough.
  // RESOURCE_EXHAUSTED for more than `max_seconds` of sound.
  MediaCollector(int max_frames, double max_seconds)
      : max_frames_(max_frames < 1 ? 1 : max_frames), max_seconds_(max_seconds) {}

  absl::Status Begin(v1::Modality modality, const std::string& media_type) override;
  absl::Status Frame(DecodedFrame frame) override;
  absl::Status Samples(double start_seconds, absl::Span<const float> samples) override;
  absl::Status Subtitle(DecodedSubtitle subtitle) override;
  absl::Status Chapter(DecodedChapter chapter) override;
  absl::Status Tags(std::string tags) override;
  absl::Status Cover(DecodedImage cover) override;
  absl::Status SoundTrack(std::string title) override;

  // Moves what was collected into `media`; other fields stay.
  void MoveTo(DecodedMedia* media);

 private:
  const size_t max_frames_;
  const double max_seconds_;
  size_t stride_ = 1;  // Of the frames that come, one in so many is kept.
  size_t seen_ = 0;
  DecodedMedia media_;
};

// Gives all of a collected sound or video to `sink`, each kind by time.
absl::Status Replay(DecodedMedia media, MediaSink* sink);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_MEDIA_COLLECTOR_H_
