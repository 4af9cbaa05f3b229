// Turns hostile bytes into DecodedMedia, in separate processes with limits.
#ifndef MIXMATCH_MODEL_MEDIA_MEDIA_DECODER_H_
#define MIXMATCH_MODEL_MEDIA_MEDIA_DECODER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "model/media/decoded.h"
#include "model/media/media_sink.h"

namespace mixmatch::model {

// What a decoder may spend on one item; beyond it the item is refused.
struct MediaLimits {
  int64_t max_pixels = 100'000'000;        // Of a picture or a frame, as stated by its header.
  int min_side = 2;                        // Pixels; anything smaller says nothing.
  double min_seconds = 0.02;               // Of a sound or video.
  double max_seconds = 12 * 3600.0;        // Of a sound or video.
  int64_t max_text_bytes = 16 << 20;       // Of a text.
  int64_t max_table_bytes = 256 << 20;     // Of a file of rows: CSV, TSV, JSON lines, NPY, raw series, MIDI.
  int64_t max_cells = 4'000'000;           // Of a table; of values in a series four times as many.
  int max_columns = 4096;                  // Of a table or series.
  int max_cell_bytes = 64 << 10;           // Of a cell.
  int max_blocks = 20'000;                 // Texts, pictures and tables of a document.
  int max_document_pictures = 4'096;       // Of them; beyond these limits a document is refused.
  int max_pages = 5'000;                   // Of a PDF.
  int max_archive_entries = 20'000;        // Files in a document that is an archive (Office, OpenDocument, EPUB),
  int64_t max_inflated_bytes = 1LL << 30;  // their bytes together, as often as they are read, and
  int max_inflate_ratio = 500;             // how many times larger than packed a file of more than 1 MiB may be.
  int64_t max_memory_bytes = 4LL << 30;    // Address space of a decoding process.
  double max_wall_seconds = 600.0;         // For one item, and one more for each second of sound or video decoded;
  double max_cpu_seconds = 600.0;          // CPU time likewise.
  int image_side = 256;                    // Longer side of decoded pictures, pixels.
  int frame_side = 128;                    // Longer side of decoded video frames, pixels.
  double frames_per_second = 16.0;         // Of decoded video, at most.
  int max_frames = 4096;                   // Of one DecodedMedia: sampled more thinly when there would be more.
  double full_rate_seconds = 900.0;        // Longer videos are decoded without the frames that no other frame needs,
  double slow_frames_per_second = 4.0;     // and no more of them are given than this.
  int max_subtitles = 20'000;              // Of an item; further ones are left out.
  double max_collected_seconds = 3600.0;   // Of what Decode() gives as a whole, 64 kB a second of sound.
  ReadWords read_words = ReadWords::kAll;
  int scan_side = 2'000;                   // Longer side of a picture in which words are looked for, pixels.
  int64_t max_scan_bytes = 64LL << 20;     // Of such pictures of one item; further ones are left without words.
  double max_reading_seconds = 60.0;       // For the words in one item; pictures that are then left are without words.
  double max_reading_cpu_seconds = 10.0;   // CPU time for one picture, and
  int64_t max_reader_bytes = 1LL << 30;    // address space of the program that reads it.
  double live_idle_seconds = 30.0;         // A live stream's decoder that gives nothing for so long is ended.
};

struct MediaDecoderOptions {
  std::string worker_path;  // The mixmatch-decoder program. Empty: beside the running program.
  std::string tool_path;    // The mixmatch-tool program. Empty: beside the other.
  std::string reader_path = "/usr/bin/tesseract";  // The program that reads words in pictures.
  std::string reader_languages;                    // E.g. "eng+deu". Empty: all that are installed for it.
  int workers = 2;          // Processes, 1 to 64, started when first needed and again after a crash.
  MediaLimits limits;
};

// Since the start, unless it says otherwise.
struct MediaDecoderStats {
  uint64_t started = 0;         // Decoding processes.
  uint64_t killed = 0;          // Of them, ended from here: too slow, or what they gave was refused.
  uint64_t died = 0;            // Of them, ended by a limit of theirs or by a crash.
  int running = 0;              // Now.
  int64_t resident_bytes = 0;   // Of those that run now.
};

// Thread-safe. Each call uses one worker process and blocks while all are busy.
class MediaDecoder {
 public:
  // NOT_FOUND if there is no program at worker_path.
  static absl::StatusOr<std::unique_ptr<MediaDecoder>> Create(const MediaDecoderOptions& options);
  virtual ~MediaDecoder() = default;

  // Sniffs and decodes the content behind `fd`: a regular file or memfd, read from offset 0; stays the caller's.
  // `media_type_hint` may be empty; it only breaks ties between texts, and says what bare samples are (worker/raw_series.h).
  // INVALID_ARGUMENT: empty, cut, damaged, of no duration, too small, or text named as a picture (any content whose
  //   bytes contradict an image/, audio/ or video/ hint). UNIMPLEMENTED: content of a kind that nothing here decodes.
  // RESOURCE_EXHAUSTED: beyond a limit, the worker's memory or time among them. Messages say what was got and wanted.
  virtual absl::StatusOr<DecodedMedia> Decode(int fd, absl::string_view media_type_hint) = 0;

  // For uploads: reads the words in pictures too (DecodedImage::words); what cannot be read in time is without words. And
  // in bounded memory, however long it lasts: the contents of a sound or video go to `sink` on the calling
  // thread, and the result has their media type and duration only. Anything else is in the result and `sink` hears
  // nothing. The result is the sink's status where that refuses. What the sink was given is void unless the result is OK.
  virtual absl::StatusOr<DecodedMedia> DecodeTo(int fd, absl::string_view media_type_hint, MediaSink& sink);

  // Decodes a sound or video as it comes: `pipe` is the reading end of one and stays the caller's, who should close it
  // soon, so that the writer learns of a worker's end. Uses a process of its own, beside MediaDecoderOptions::workers. Returns after the
  // pipe's end. What the sink was given is sound also if the result is not OK.
  virtual absl::StatusOr<DecodedMedia> DecodeLive(int pipe, absl::string_view media_type_hint, MediaSink& sink);

  // The languages in which DecodeTo() reads words; empty where it reads none.
  virtual std::string reader_languages() const { return ""; }

  virtual MediaDecoderStats stats() const { return {}; }
};

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_MEDIA_DECODER_H_
