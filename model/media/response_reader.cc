#include "model/media/response_reader.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "model/media/rows_reader.h"
#include "model/media/wire.h"
#include "proto/base/status_macros.h"

namespace mixmatch::model {
namespace {

constexpr int64_t kMaxSubtitles = 100'000;
constexpr int64_t kMaxSubtitleBytes = 16 << 20;

absl::Status Breach(absl::string_view what) {
  return absl::DataLossError(absl::StrCat("decoder worker: broke its framing: ", what, "; it was replaced"));
}

class ResponseReader {
 public:
  ResponseReader(int socket, const MediaLimits& limits, absl::Time deadline)
      : socket_(socket), limits_(limits), deadline_(deadline) {}

  // Reads to the end of the response. A status from here means an unsound worker.
  absl::Status Read() {
    while (true) {
      WireRecord record;
      MIXMATCH_RETURN_IF_ERROR(Fill(&record, sizeof(record)));
      switch (record.type) {
        case WireRecordType::kText: MIXMATCH_RETURN_IF_ERROR(ReadText(record.size)); break;
        case WireRecordType::kFrame: MIXMATCH_RETURN_IF_ERROR(ReadFrame(record.size)); break;
        case WireRecordType::kSamples: MIXMATCH_RETURN_IF_ERROR(ReadSamples(record.size)); break;
        case WireRecordType::kSubtitle: MIXMATCH_RETURN_IF_ERROR(ReadSubtitle(record.size)); break;
        case WireRecordType::kTable:
        case WireRecordType::kSeries:
        case WireRecordType::kCells:
        case WireRecordType::kRows:
        case WireRecordType::kNotes: MIXMATCH_RETURN_IF_ERROR(ReadRows(record)); break;
        case WireRecordType::kDone: return ReadDone(record.size);
        case WireRecordType::kError: return ReadError(record.size);
        default: return Breach("unknown record");
      }
    }
  }

  absl::StatusOr<DecodedMedia> Take() && {
    if (!error_.ok()) return error_;
    return std::move(media_);
  }

 private:
  absl::Status Fill(void* data, size_t size) { return ReadAll(socket_, data, size, deadline_); }

  absl::Status ReadText(uint32_t size) {
    if (!media_.text.empty() || size > limits_.max_text_bytes * 2) return Breach("text");
    media_.text.resize(size);
    return Fill(media_.text.data(), size);
  }

  absl::Status ReadFrame(uint32_t size) {
    WireFrame header;
    if (size < sizeof(header)) return Breach("frame header");
    MIXMATCH_RETURN_IF_ERROR(Fill(&header, sizeof(header)));
    const int side = std::max(limits_.image_side, limits_.frame_side);
    const bool shaped = header.width >= 1 && header.height >= 1 && header.width <= side && header.height <= side &&
                        size - sizeof(header) == int64_t{3} * header.width * header.height;
    const bool timed = std::isfinite(header.seconds) && header.seconds >= 0.0 &&
                       (media_.frames.empty() || header.seconds >= media_.frames.back().seconds);
    if (!shaped || !timed || media_.frames.size() >= std::max(limits_.max_frames, 1)) return Breach("frame");
    DecodedFrame& frame = media_.frames.emplace_back();
    frame.seconds = header.seconds;
    frame.image.width = header.width;
    frame.image.height = header.height;
    frame.image.rgb.resize(size - sizeof(header));
    return Fill(frame.image.rgb.data(), frame.image.rgb.size());
  }

  absl::Status ReadSamples(uint32_t size) {
    double start;
    if (size < sizeof(start) || size > kMaxSamplesRecord || (size - sizeof(start)) % sizeof(float) != 0) {
      return Breach("samples");
    }
    MIXMATCH_RETURN_IF_ERROR(Fill(&start, sizeof(start)));
    const size_t old = media_.samples.size();
    const size_t added = (size - sizeof(start)) / sizeof(float);
    if (old + added > (limits_.max_seconds + 1.0) * kSampleRate || !std::isfinite(start)) return Breach("samples");
    if (old == 0) media_.samples_start_seconds = std::max(start, 0.0);
    media_.samples.resize(old + added);
    MIXMATCH_RETURN_IF_ERROR(Fill(media_.samples.data() + old, added * sizeof(float)));
    for (size_t i = old; i < media_.samples.size(); ++i) {
      const float sample = media_.samples[i];
      media_.samples[i] = std::isfinite(sample) ? std::clamp(sample, -1.0f, 1.0f) : 0.0f;
    }
    return absl::OkStatus();
  }

  absl::Status ReadSubtitle(uint32_t size) {
    double span[2];
    subtitle_bytes_ += size;
    if (size < sizeof(span) || size > kMaxShortRecord || media_.subtitles.size() >= kMaxSubtitles ||
        subtitle_bytes_ > kMaxSubtitleBytes) {
      return Breach("subtitle");
    }
    MIXMATCH_RETURN_IF_ERROR(Fill(span, sizeof(span)));
    if (!std::isfinite(span[0]) || !std::isfinite(span[1]) || span[0] > span[1]) return Breach("subtitle time");
    DecodedSubtitle& subtitle = media_.subtitles.emplace_back();
    subtitle.start_seconds = span[0];
    subtitle.end_seconds = span[1];
    subtitle.text.resize(size - sizeof(span));
    return Fill(subtitle.text.data(), subtitle.text.size());
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
        right = !media_.text.empty() && frames == 0 && media_.samples.empty();
        break;
      case WireKind::kImage:
        media_.modality = v1::MODALITY_IMAGE;
        right = frames == 1 && media_.text.empty() && media_.samples.empty();
        break;
      case WireKind::kAudio:
        media_.modality = v1::MODALITY_AUDIO;
        right = !media_.samples.empty() && frames == 0 && media_.text.empty();
        break;
      case WireKind::kVideo:
        media_.modality = v1::MODALITY_VIDEO;
        right = frames > 0 && media_.text.empty();
        break;
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
  absl::Time deadline_;
  int64_t subtitle_bytes_ = 0;
  DecodedMedia media_;
  absl::Status error_;
};

}  // namespace

WorkerReply ReadResponse(int socket, const MediaLimits& limits, absl::Time deadline) {
  ResponseReader reader(socket, limits, deadline);
  if (absl::Status read = reader.Read(); !read.ok()) return {std::move(read), false};
  return {std::move(reader).Take(), true};
}

}  // namespace mixmatch::model
