// Writes one response in the framing of wire.h.
#ifndef MIXMATCH_MODEL_MEDIA_WORKER_RESPONSE_WRITER_H_
#define MIXMATCH_MODEL_MEDIA_WORKER_RESPONSE_WRITER_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "model/media/blocks.h"
#include "model/media/rows.h"
#include "model/media/wire.h"

namespace mixmatch::model {

// A picture as it goes out: packed RGB.
struct Picture {
  int width = 0;
  int height = 0;
  std::string rgb;
  DecodedScan scan;  // Of a width where words are to be looked for in it.
};

// Buffers small records. Exits the process when the server is gone: nobody is left to tell.
class ResponseWriter {
 public:
  explicit ResponseWriter(int socket) : socket_(socket) {}

  void Text(absl::string_view utf8);
  // With its scan, if it has one.
  void Frame(double seconds, const Picture& picture);
  void Samples(double start_seconds, absl::Span<const float> samples);
  // First of a sound or video.
  void Begin(WireKind kind, absl::string_view media_type);
  // The title of the sound track (0) or of a track of subtitles (from 1), before what is in it.
  void Track(uint32_t track, absl::string_view title);
  // `track` 0: of none.
  void Subtitle(double start_seconds, double end_seconds, uint32_t track, absl::string_view utf8);
  void Chapter(double start_seconds, double end_seconds, absl::string_view title);
  void Tags(absl::string_view lines);
  void Cover(const Picture& picture);
  // One piece of a document. Its picture, if it has one, is `picture`; with its scan.
  void Block(const DecodedBlock& block, const Picture& picture);
  // All of a table, series or score.
  void Table(const DecodedTable& table);
  void Series(double observed_unix_seconds, const DecodedSeries& series);
  void Score(const DecodedScore& score);
  // One of these ends the response; Flush() sends what is left of it.
  void Done(WireKind kind, double duration_seconds, absl::string_view media_type);
  void Error(const absl::Status& status);
  void Flush();

 private:
  void Scan(const DecodedScan& scan);
  void Record(WireRecordType type, const void* head, size_t head_size, absl::string_view body);

  int socket_;
  std::string buffer_;
};

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_WORKER_RESPONSE_WRITER_H_
