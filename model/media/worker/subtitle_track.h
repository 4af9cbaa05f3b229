// A subtitle track's packets to plain text.
#ifndef MIXMATCH_MODEL_MEDIA_WORKER_SUBTITLE_TRACK_H_
#define MIXMATCH_MODEL_MEDIA_WORKER_SUBTITLE_TRACK_H_

#include <string>

#include "absl/strings/string_view.h"
#include "model/media/worker/ffmpeg.h"
#include "model/media/worker/response_writer.h"

namespace mixmatch::model {

// The words of an ASS event as FFmpeg's decoders give it: eight fields and a comma each before the text, which has
// {overrides} and \N, \n, \h.
std::string PlainAssText(absl::string_view event);

// Decodes one packet that starts at `seconds` and writes what it says; damaged ones and pictures are skipped.
// No subtitle is worth refusing a video for.
class SubtitleTrack {
 public:
  // `number` from 1, among the tracks of subtitles.
  SubtitleTrack(CodecPtr codec, const AVStream* stream, uint32_t number)
      : codec_(std::move(codec)), stream_(stream), number_(number) {}

  const AVStream* stream() const { return stream_; }
  // True if something was written.
  bool Add(AVPacket* packet, double seconds, ResponseWriter* writer);

 private:
  CodecPtr codec_;
  const AVStream* stream_;
  uint32_t number_;
};

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_WORKER_SUBTITLE_TRACK_H_
