// A sound or video file, opened by FFmpeg's demuxers over a Content and nothing else.
#ifndef MIXMATCH_MODEL_MEDIA_WORKER_CONTAINER_H_
#define MIXMATCH_MODEL_MEDIA_WORKER_CONTAINER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "model/media/wire.h"
#include "model/media/worker/content.h"
#include "model/media/worker/ffmpeg.h"

namespace mixmatch::model {

inline constexpr double kWholeShare = 0.8;  // Of what it states that a whole file has; less is truncated.

class Container {
 public:
  // UNIMPLEMENTED if no allowed demuxer knows the bytes; INVALID_ARGUMENT if it finds them damaged or of another kind
  // than the hint. `content` must outlive the container.
  static absl::StatusOr<std::unique_ptr<Container>> Open(Content& content, const WireRequest& request);
  ~Container();

  AVFormatContext* format() { return format_; }
  AVStream* video() { return video_; }  // The best moving picture, or null. Cover art is none.
  AVStream* audio() { return audio_; }  // The default sound or else the best, or null.
  AVStream* cover() { return cover_; }  // The first picture that is attached, or null.
  const std::string& media_type() const { return media_type_; }

  // When the item starts on the tracks' clocks, in AV_TIME_BASE units.
  int64_t start() const { return format_->start_time == AV_NOPTS_VALUE ? 0 : format_->start_time; }

  // What the container itself says, in seconds; 0 if it says nothing, or if FFmpeg only made an estimate.
  double StatedSeconds(const AVStream* stream) const;

  // What it says or what FFmpeg estimates; 0 if neither.
  double LikelySeconds() const;

 private:
  explicit Container(Content& content) : content_(content) {}

  static int Read(void* self, uint8_t* data, int size);
  static int64_t Seek(void* self, int64_t offset, int whence);
  absl::StatusOr<const AVInputFormat*> Probe(const WireRequest& request);
  absl::Status OpenInput(const AVInputFormat* demuxer);
  absl::Status FindTracks(const WireRequest& request);
  absl::Status CheckSizes(const WireRequest& request) const;

  Content& content_;
  int64_t position_ = 0;
  AVIOContext* io_ = nullptr;
  AVFormatContext* format_ = nullptr;
  AVStream* video_ = nullptr;
  AVStream* audio_ = nullptr;
  AVStream* cover_ = nullptr;
  std::string media_type_;
};

// A decoder for `stream`, single-threaded, refusing frames above `max_pixels`.
absl::StatusOr<CodecPtr> OpenTrack(const AVStream* stream, int64_t max_pixels);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_WORKER_CONTAINER_H_
