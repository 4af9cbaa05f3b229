// Where the contents of a sound or video go while they are decoded.
#ifndef MIXMATCH_MODEL_MEDIA_MEDIA_SINK_H_
#define MIXMATCH_MODEL_MEDIA_MEDIA_SINK_H_

#include <string>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "mixmatch/v1/item.pb.h"
#include "model/media/decoded.h"

namespace mixmatch::model {

// Takes what comes in the order in which the file holds it: each kind by its own time, the kinds up to seconds apart.
// Decoding waits while a call runs. A call that is not OK ends the decoding with that status.
class MediaSink {
 public:
  virtual ~MediaSink() = default;

  // First, once. `modality` is AUDIO or VIDEO.
  virtual absl::Status Begin(v1::Modality modality, const std::string& media_type) = 0;
  virtual absl::Status Frame(DecodedFrame frame) = 0;
  // `start_seconds` is of the first sample of all, and the same in every call.
  virtual absl::Status Samples(double start_seconds, absl::Span<const float> samples) = 0;
  virtual absl::Status Subtitle(DecodedSubtitle subtitle) = 0;
  virtual absl::Status Chapter(DecodedChapter chapter) = 0;
  // Each at most once, before any of the above but Begin.
  virtual absl::Status Tags(std::string tags) = 0;
  virtual absl::Status Cover(DecodedImage cover) = 0;
  virtual absl::Status SoundTrack(std::string title) = 0;
};

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_MEDIA_SINK_H_
