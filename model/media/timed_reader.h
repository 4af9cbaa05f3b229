// Reads the records of a sound or video, checks them and gives them to a sink.
#ifndef MIXMATCH_MODEL_MEDIA_TIMED_READER_H_
#define MIXMATCH_MODEL_MEDIA_TIMED_READER_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "model/media/decoded.h"
#include "model/media/media_decoder.h"
#include "model/media/media_sink.h"
#include "model/media/wire.h"

namespace mixmatch::model {

class TimedReader {
 public:
  TimedReader(const MediaLimits& limits, MediaSink* sink) : limits_(limits), sink_(*sink) {}

  // Whether a record of this type is one of a sound or video. A kFrame before kBegin is a picture.
  bool Takes(WireRecordType type) const;
  // Bytes of the largest record that Takes().
  uint32_t most_bytes() const;

  // DATA_LOSS for what breaks the framing or a limit; the sink's status, kept in refusal(), where it refuses.
  absl::Status Take(WireRecordType type, absl::string_view body);

  // Whether what came makes a `kind`.
  bool Makes(WireKind kind) const;
  bool begun() const { return begun_; }
  double media_seconds() const { return media_seconds_; }  // Of the latest record.
  const absl::Status& refusal() const { return refusal_; }

 private:
  absl::Status Begin(absl::string_view body);
  absl::Status Frame(absl::string_view body);
  absl::Status Samples(absl::string_view body);
  absl::Status Subtitle(absl::string_view body);
  absl::Status Track(absl::string_view body);
  absl::Status Chapter(absl::string_view body);
  absl::Status Tags(absl::string_view body);
  absl::Status Cover(absl::string_view body);
  absl::Status Told(absl::Status status);

  const MediaLimits& limits_;
  MediaSink& sink_;
  absl::Status refusal_;
  bool begun_ = false;
  WireKind kind_ = WireKind::kAudio;
  double media_seconds_ = 0.0;
  double last_frame_ = 0.0;
  int64_t frames_ = 0;
  int64_t samples_ = 0;
  double samples_start_ = 0.0;
  int64_t texts_ = 0;       // Subtitles, chapters,
  int64_t text_bytes_ = 0;  // and theirs.
  bool tags_ = false;
  bool cover_ = false;
  std::map<uint32_t, std::string> tracks_;
  std::vector<float> clean_;
};

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_TIMED_READER_H_
