// The framing between MediaDecoder and its worker process, over a unix stream socket on one machine and one build.
//
// A request is one message of sizeof(WireRequest) bytes that carries the content's file descriptor (SCM_RIGHTS).
// A response is a sequence of records, each a WireRecord and then `size` bytes, ended by kDone or kError:
//   kText      UTF-8
//   kFrame     WireFrame, then width * height * 3 bytes of RGB
//   kSamples   double start_seconds of the first sample in the record, then floats, mono at 16 kHz
//   kBegin     WireDone of no duration, then the media type: first of a sound or video
//   kSubtitle  double start_seconds, double end_seconds, uint32 track, UTF-8
//   kTrack     uint32 track (0: the sound; from 1: of subtitles), then its title; before what is in it
//   kChapter   double start_seconds, double end_seconds, then the title
//   kTags      UTF-8, a line each
//   kCover     WireFrame of no time, then RGB
//   kBlock     WireBlock, then its text, then width * height * 3 bytes of RGB; the text of a table is strings as below:
//              its name, its columns, its cells
//   kScan      WireScan, then width * height bytes of gray: of the last kFrame, or of the last kBlock that is a picture
//   kTable     strings (each a uint32 size and then UTF-8): the table's name, then its columns
//   kCells     strings: further cells of the table, row-major
//   kSeries    double observed_unix_seconds, then strings: name and unit of each channel
//   kRows      n times a double of seconds, then n times a float of each channel: further rows of the series
//   kNotes     double beats_per_bar, then DecodedNotes
//   kDone      WireDone, then the media type
//   kError     int32 absl::StatusCode, then the message
// Records before a kError are void. The reader trusts no size: a worker may be in a stranger's hands.
#ifndef MIXMATCH_MODEL_MEDIA_WIRE_H_
#define MIXMATCH_MODEL_MEDIA_WIRE_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace mixmatch::model {

inline constexpr int kWorkerSocket = 3;  // The worker's end of the socket pair; its only descriptor beyond 0 to 2.
inline constexpr int kSampleRate = 16000;

// MediaLimits as the worker needs them, and the hint.
struct WireRequest {
  int64_t max_pixels;
  int64_t max_text_bytes;
  int64_t max_table_bytes;
  int64_t max_cells;
  int64_t max_inflated_bytes;
  double min_seconds;
  double max_seconds;
  double frames_per_second;
  int32_t min_side;
  int32_t image_side;
  int32_t frame_side;
  int32_t max_frames;
  int32_t max_columns;
  int32_t max_cell_bytes;
  int32_t max_subtitles;
  int32_t max_blocks;
  int32_t max_document_pictures;
  int32_t cover_side;
  int32_t max_archive_entries;
  int32_t max_inflate_ratio;
  int32_t live;               // 1: the content is a pipe, read as it comes; records go out as soon as they are made.
  int32_t read_words;         // A ReadWords: of which pictures a kScan is wanted, where they look as if they had words in them.
  int32_t scan_side;          // Of these, pixels, at most; kScans and
  int64_t max_scan_bytes;     // their bytes, together.
  int32_t first_page;         // Of a PDF: the content is a PdfPagesHeader with pages from this one on; 0: it is not.
  double full_rate_seconds;   // Longer videos are decoded at slow_frames_per_second, without what nothing else needs.
  double slow_frames_per_second;
  char media_type_hint[128];  // Cut if longer; ends in zero.
};

enum class WireKind : uint32_t { kText = 1, kImage = 2, kAudio = 3, kVideo = 4, kDocument = 5, kTable = 6, kSeries = 7, kScore = 8 };
enum class WireRecordType : uint32_t {
  kText = 1,
  kFrame = 2,
  kSamples = 3,
  kSubtitle = 4,
  kDone = 5,
  kError = 6,
  kBlock = 10,
  kTable = 11,
  kSeries = 12,
  kCells = 13,
  kRows = 14,
  kNotes = 15,
  kScan = 16,
  kBegin = 20,
  kTrack = 21,
  kChapter = 22,
  kTags = 23,
  kCover = 24,
};

// What the PDF tools made of some pages: then text_bytes of `pdftotext -bbox-layout`, then a PPM picture (P6) a page.
struct PdfPagesHeader {
  char magic[8];
  uint32_t pages;
  uint32_t reserved;
  uint64_t text_bytes;
};
inline constexpr char kPdfPagesMagic[] = "mmpages1";

struct WireRecord {
  WireRecordType type;
  uint32_t size;  // Of what follows, bytes.
};

struct WireFrame {
  double seconds;
  int32_t width;
  int32_t height;
};

struct WireScan {
  int32_t width;
  int32_t height;
};

struct WireBlock {
  int32_t kind;  // A DecodedBlock::Kind.
  int32_t page;
  float left, top, right, bottom;
  int32_t describes;  // The number of an earlier or later block, from 0; -1: none.
  uint32_t text_bytes;
  uint32_t columns;  // Of a table.
  int32_t width;     // Of a picture; 0: none.
  int32_t height;
};

struct WireDone {
  double duration_seconds;
  WireKind kind;
  uint32_t reserved;
};

inline constexpr uint32_t kMaxSamplesRecord = 1 << 20;  // Bytes of a kSamples record.
inline constexpr uint32_t kMaxRowsRecord = 1 << 20;     // Bytes of a kCells, kRows or kNotes record, before its last entry.
inline constexpr uint32_t kMaxShortRecord = 1 << 16;    // Bytes of a kSubtitle, kDone or kError record.

// Reads or writes exactly `size` bytes by `deadline`. DEADLINE_EXCEEDED when late; UNAVAILABLE when the peer is gone.
absl::Status ReadAll(int socket, void* data, size_t size, absl::Time deadline);
absl::Status WriteAll(int socket, const void* data, size_t size, absl::Time deadline);

// Sends the request with `content`. UNAVAILABLE when the peer is gone.
absl::Status SendRequest(int socket, const WireRequest& request, int content);

// Blocks for a request and gives its descriptor to the caller. OUT_OF_RANGE when the peer has closed.
absl::Status ReceiveRequest(int socket, WireRequest* request, int* content);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_WIRE_H_
