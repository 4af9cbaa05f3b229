#include "model/media/response_reader.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "model/media/blocks_reader.h"
#include "model/media/media_collector.h"
#include "model/media/rows_reader.h"
#include "model/media/timed_reader.h"
#include "model/media/wire.h"
#include "proto/base/status_macros.h"

namespace mixmatch::model {
namespace {

absl::Status Breach(absl::string_view what) {
  return absl::DataLossError(absl::StrCat("decoder worker: broke its framing: ", what, "; it was replaced"));
}

class ResponseReader {
 public:
  ResponseReader(int socket, const MediaLimits& limits, Patience* patience, MediaSink* sink)
      : socket_(socket),
        limits_(limits),
        patience_(*patience),
        blocks_(limits),
        timed_(limits, sink),
        cues_(1, 0.0),
        cue_reader_(limits, &cues_) {}

  // Reads to the end of the response. A status from here means an unsound worker.
  absl::Status Read() {
    while (true) {
      WireRecord record;
      MIXMATCH_RETURN_IF_ERROR(Fill(&record, sizeof(record)));
      if (timed_.Takes(record.type)) {
        MIXMATCH_RETURN_IF_ERROR(ReadTimed(record));
        continue;
      }
      switch (record.type) {
        case WireRecordType::kText: MIXMATCH_RETURN_IF_ERROR(ReadText(record.size)); break;
        case WireRecordType::kFrame: MIXMATCH_RETURN_IF_ERROR(ReadFrame(record.size)); break;
        case WireRecordType::kScan: MIXMATCH_RETURN_IF_ERROR(ReadScan(record.size)); break;
        case WireRecordType::kTable:
        case WireRecordType::kSeries:
        case WireRecordType::kCells:
        case WireRecordType::kRows:
        case WireRecordType::kNotes: MIXMATCH_RETURN_IF_ERROR(ReadRows(record)); break;
        case WireRecordType::kBlock: MIXMATCH_RETURN_IF_ERROR(ReadBlock(record.size)); break;
        case WireRecordType::kDone: return ReadDone(record.size);
        case WireRecordType::kError: return ReadError(record.size);
        default: return Breach("unknown record");
      }
    }
  }

  absl::StatusOr<DecodedMedia> Take() && {
    if (!error_.ok()) return error_;
    if (media_.modality == v1::MODALITY_TEXT) {
      DecodedMedia cues;
      cues_.MoveTo(&cues);
      media_.subtitles = std::move(cues.subtitles);
    }
    return std::move(media_);
  }

  const absl::Status& refusal() const { return timed_.refusal(); }

 private:
  absl::Status Fill(void* data, size_t size) { return ReadAll(socket_, data, size, patience_.deadline()); }

  absl::Status ReadText(uint32_t size) {
    if (!media_.text.empty() || size > limits_.max_text_bytes * 2) return Breach("text");
    media_.text.resize(size);
    return Fill(media_.text.data(), size);
  }

  absl::Status ReadFrame(uint32_t size) {
    WireFrame header;
    if (size < sizeof(header)) return Breach("frame header");
    MIXMATCH_RETURN_IF_ERROR(Fill(&header, sizeof(header)));
    const bool shaped = header.width >= 1 && header.height >= 1 && header.width <= limits_.image_side &&
                        header.height <= limits_.image_side &&
                        size - sizeof(header) == int64_t{3} * header.width * header.height;
    if (!shaped || header.seconds != 0.0 || !media_.frames.empty()) return Breach("frame");
    DecodedFrame& frame = media_.frames.emplace_back();
    frame.image.width = header.width;
    frame.image.height = header.height;
    frame.image.rgb.resize(size - sizeof(header));
    return Fill(frame.image.rgb.data(), frame.image.rgb.size());
  }

  // Of the picture that came last.
  absl::Status ReadScan(uint32_t size) {
    WireScan header;
    if (size < sizeof(header)) return Breach("scan header");
    MIXMATCH_RETURN_IF_ERROR(Fill(&header, sizeof(header)));
    const int64_t bytes = size - sizeof(header);
    const bool shaped = header.width >= 1 && header.height >= 1 && header.width <= limits_.scan_side &&
                        header.height <= limits_.scan_side && bytes == int64_t{header.width} * header.height;
    DecodedImage* image = !media_.blocks.empty() ? &media_.blocks.back().image
                          : !media_.frames.empty() ? &media_.frames.back().image
                                                   : nullptr;
    scan_bytes_ += bytes;
    if (!shaped || scan_bytes_ > limits_.max_scan_bytes || image == nullptr || image->rgb.empty() ||
        image->scan.width != 0) {
      return Breach("scan");
    }
    image->scan.width = header.width;
    image->scan.height = header.height;
    image->scan.gray.resize(static_cast<size_t>(bytes));
    return Fill(image->scan.gray.data(), image->scan.gray.size());
  }

  absl::Status ReadBlock(uint32_t size) {
    if (size > blocks_.most_bytes()) return Breach("block");
    body_.resize(size);
    MIXMATCH_RETURN_IF_ERROR(Fill(body_.data(), body_.size()));
    return blocks_.Add(body_, &media_) ? absl::OkStatus() : Breach("block");
  }

  absl::Status ReadTimed(const WireRecord& record) {
    if (record.size > timed_.most_bytes()) return Breach("record");
    body_.resize(record.size);
    MIXMATCH_RETURN_IF_ERROR(Fill(body_.data(), body_.size()));
    const bool of_text = record.type == WireRecordType::kSubtitle && !timed_.begun();
    const absl::Time before = absl::Now();
    const absl::Status taken = (of_text ? cue_reader_ : timed_).Take(record.type, body_);
    patience_.Excuse(absl::Now() - before);
    patience_.Advance(timed_.media_seconds());
    return taken;
  }

  absl::Status ReadRows(const WireRecord& record) {
    // Names of columns, or one more cell or row than fits, may go beyond the size of a record.
    const int64_t entry = int64_t{limits_.max_cell_bytes} + 8;
    const int64_t head = record.type == WireRecordType::kTable || record.type == WireRecordType::kSeries
                             ? std::min<int64_t>(int64_t{2} * limits_.max_columns * entry, limits_.max_table_bytes)
                             : std::max(entry, int64_t{limits_.max_columns} * 4 + 8);
    if (record.size > kMaxRowsRecord + head) return Breach("rows");
    std::string body(record.size, '\0');
    MIXMATCH_RETURN_IF_ERROR(Fill(body.data(), body.size()));
    return AddRows(record.type, body, limits_, &media_) ? absl::OkStatus() : Breach("rows");
  }

  absl::Status ReadDone(uint32_t size) {
    WireDone done;
    if (size < sizeof(done) || size > kMaxShortRecord) return Breach("end");
    MIXMATCH_RETURN_IF_ERROR(Fill(&done, sizeof(done)));
    media_.media_type.resize(size - sizeof(done));
    MIXMATCH_RETURN_IF_ERROR(Fill(media_.media_type.data(), media_.media_type.size()));
    if (!std::isfinite(done.duration_seconds) || done.duration_seconds < 0.0) return Breach("duration");
    media_.duration_seconds = done.duration_seconds;
    return CheckShape(done.kind);
  }

  absl::Status CheckShape(WireKind kind) {
    const size_t frames = media_.frames.size();
    bool right = false;
    switch (kind) {
      case WireKind::kText:
        media_.modality = v1::MODALITY_TEXT;
        right = !media_.text.empty() && frames == 0 && !timed_.begun();
        break;
      case WireKind::kImage:
        media_.modality = v1::MODALITY_IMAGE;
        right = frames == 1 && media_.text.empty() && !timed_.begun();
        break;
      case WireKind::kAudio:
        media_.modality = v1::MODALITY_AUDIO;
        right = timed_.Makes(kind) && frames == 0 && media_.text.empty();
        break;
      case WireKind::kVideo:
        media_.modality = v1::MODALITY_VIDEO;
        right = timed_.Makes(kind) && frames == 0 && media_.text.empty();
        break;
      case WireKind::kDocument: right = !timed_.begun() && BlocksReader::Take(&media_); break;
      case WireKind::kTable:
      case WireKind::kSeries:
      case WireKind::kScore: right = TakeRows(kind, &media_); break;
    }
    return right ? absl::OkStatus() : Breach("fields of another modality");
  }

  absl::Status ReadError(uint32_t size) {
    int32_t code;
    if (size < sizeof(code) || size > kMaxShortRecord) return Breach("error");
    MIXMATCH_RETURN_IF_ERROR(Fill(&code, sizeof(code)));
    std::string message(size - sizeof(code), '\0');
    MIXMATCH_RETURN_IF_ERROR(Fill(message.data(), message.size()));
    if (code < 1 || code > 16) return Breach("error code");
    error_ = absl::Status(static_cast<absl::StatusCode>(code), message);
    return absl::OkStatus();
  }

  int socket_;
  const MediaLimits& limits_;
  Patience& patience_;
  BlocksReader blocks_;
  TimedReader timed_;
  MediaCollector cues_;  // Of a text that is subtitles.
  TimedReader cue_reader_;
  std::string body_;
  DecodedMedia media_;
  int64_t scan_bytes_ = 0;
  absl::Status error_;
};

}  // namespace

WorkerReply ReadResponse(int socket, const MediaLimits& limits, Patience* patience, MediaSink* sink) {
  ResponseReader reader(socket, limits, patience, sink);
  const absl::Status read = reader.Read();
  if (!reader.refusal().ok()) return {reader.refusal(), false, true};
  if (!read.ok()) return {read, false, false};
  return {std::move(reader).Take(), true, false};
}

WorkerReply ReadResponse(int socket, const MediaLimits& limits, absl::Time deadline) {
  Patience patience(deadline);
  MediaCollector collector(limits.max_frames, limits.max_collected_seconds);
  WorkerReply reply = ReadResponse(socket, limits, &patience, &collector);
  const bool timed = reply.media.ok() && (reply.media->modality == v1::MODALITY_AUDIO ||
                                          reply.media->modality == v1::MODALITY_VIDEO);
  if (timed) collector.MoveTo(&*reply.media);
  return reply;
}

}  // namespace mixmatch::model
