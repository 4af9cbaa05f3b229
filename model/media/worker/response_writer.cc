#include "model/media/worker/response_writer.h"

#include <string.h>
#include <unistd.h>

#include <algorithm>

namespace mixmatch::model {
namespace {

constexpr size_t kBuffer = 1 << 18;  // Bytes.

absl::string_view Bytes(const void* data, size_t size) { return {static_cast<const char*>(data), size}; }

void AppendString(absl::string_view value, std::string* out) {
  const uint32_t size = static_cast<uint32_t>(value.size());
  out->append(reinterpret_cast<const char*>(&size), sizeof(size));
  out->append(value.data(), value.size());
}

}  // namespace

void ResponseWriter::Text(absl::string_view utf8) { Record(WireRecordType::kText, nullptr, 0, utf8); }

void ResponseWriter::Frame(double seconds, const Picture& picture) {
  const WireFrame head = {seconds, picture.width, picture.height};
  Record(WireRecordType::kFrame, &head, sizeof(head), picture.rgb);
  Scan(picture.scan);
}

void ResponseWriter::Scan(const DecodedScan& scan) {
  if (scan.width == 0) return;
  const WireScan head = {scan.width, scan.height};
  Record(WireRecordType::kScan, &head, sizeof(head), scan.gray);
}

void ResponseWriter::Samples(double start_seconds, absl::Span<const float> samples) {
  const size_t most = (kMaxSamplesRecord - sizeof(double)) / sizeof(float);
  for (size_t from = 0; from < samples.size(); from += most) {
    const absl::Span<const float> some = samples.subspan(from, most);
    Record(WireRecordType::kSamples, &start_seconds, sizeof(start_seconds),
           Bytes(some.data(), some.size() * sizeof(float)));
  }
}

void ResponseWriter::Begin(WireKind kind, absl::string_view media_type) {
  const WireDone begin = {0.0, kind, 0};
  Record(WireRecordType::kBegin, &begin, sizeof(begin), media_type);
}

void ResponseWriter::Track(uint32_t track, absl::string_view title) {
  Record(WireRecordType::kTrack, &track, sizeof(track), title.substr(0, kMaxShortRecord - sizeof(track)));
}

void ResponseWriter::Subtitle(double start_seconds, double end_seconds, uint32_t track, absl::string_view utf8) {
  char head[2 * sizeof(double) + sizeof(track)];
  const double span[2] = {start_seconds, std::max(start_seconds, end_seconds)};
  memcpy(head, span, sizeof(span));
  memcpy(head + sizeof(span), &track, sizeof(track));
  Record(WireRecordType::kSubtitle, head, sizeof(head), utf8.substr(0, kMaxShortRecord - sizeof(head)));
}

void ResponseWriter::Chapter(double start_seconds, double end_seconds, absl::string_view title) {
  const double span[2] = {start_seconds, std::max(start_seconds, end_seconds)};
  Record(WireRecordType::kChapter, span, sizeof(span), title.substr(0, kMaxShortRecord - sizeof(span)));
}

void ResponseWriter::Tags(absl::string_view lines) {
  Record(WireRecordType::kTags, nullptr, 0, lines.substr(0, kMaxShortRecord));
}

void ResponseWriter::Cover(const Picture& picture) {
  const WireFrame head = {0.0, picture.width, picture.height};
  Record(WireRecordType::kCover, &head, sizeof(head), picture.rgb);
}

void ResponseWriter::Block(const DecodedBlock& block, const Picture& picture) {
  std::string text = block.text;
  if (block.kind == DecodedBlock::Kind::kTable) {
    text.clear();
    AppendString(block.table.name, &text);
    for (const std::string& column : block.table.columns) AppendString(column, &text);
    for (const std::string& cell : block.table.cells) AppendString(cell, &text);
  }
  const WireBlock head = {static_cast<int32_t>(block.kind),
                          block.page,
                          block.left,
                          block.top,
                          block.right,
                          block.bottom,
                          block.describes,
                          static_cast<uint32_t>(text.size()),
                          static_cast<uint32_t>(block.table.columns.size()),
                          picture.width,
                          picture.height};
  text += picture.rgb;
  Record(WireRecordType::kBlock, &head, sizeof(head), text);
  Scan(picture.scan);
}

void ResponseWriter::Table(const DecodedTable& table) {
  std::string body;
  AppendString(table.name, &body);
  for (const std::string& column : table.columns) AppendString(column, &body);
  Record(WireRecordType::kTable, nullptr, 0, body);
  body.clear();
  for (size_t i = 0; i < table.cells.size(); ++i) {
    AppendString(table.cells[i], &body);
    if (body.size() < kMaxRowsRecord && i + 1 < table.cells.size()) continue;
    Record(WireRecordType::kCells, nullptr, 0, body);
    body.clear();
  }
}

void ResponseWriter::Series(double observed_unix_seconds, const DecodedSeries& series) {
  std::string body;
  for (size_t c = 0; c < series.channels.size(); ++c) {
    AppendString(series.channels[c], &body);
    AppendString(series.units[c], &body);
  }
  Record(WireRecordType::kSeries, &observed_unix_seconds, sizeof(double), body);
  const size_t channels = series.channels.size(), row = sizeof(double) + channels * sizeof(float);
  const size_t most = std::max<size_t>(1, kMaxRowsRecord / row);
  for (size_t from = 0; from < series.seconds.size(); from += most) {
    const size_t rows = std::min(most, series.seconds.size() - from);
    Record(WireRecordType::kRows, &series.seconds[from], rows * sizeof(double),
           Bytes(&series.values[from * channels], rows * channels * sizeof(float)));
  }
}

void ResponseWriter::Score(const DecodedScore& score) {
  const size_t most = kMaxRowsRecord / sizeof(DecodedNote);
  for (size_t from = 0; from < score.notes.size(); from += most) {
    const size_t notes = std::min(most, score.notes.size() - from);
    Record(WireRecordType::kNotes, &score.beats_per_bar, sizeof(double),
           Bytes(&score.notes[from], notes * sizeof(DecodedNote)));
  }
}

void ResponseWriter::Done(WireKind kind, double duration_seconds, absl::string_view media_type) {
  const WireDone done = {duration_seconds, kind, 0};
  Record(WireRecordType::kDone, &done, sizeof(done), media_type);
}

void ResponseWriter::Error(const absl::Status& status) {
  const int32_t code = static_cast<int32_t>(status.code());
  Record(WireRecordType::kError, &code, sizeof(code), status.message().substr(0, kMaxShortRecord - sizeof(code)));
}

void ResponseWriter::Record(WireRecordType type, const void* head, size_t head_size, absl::string_view body) {
  const WireRecord record = {type, static_cast<uint32_t>(head_size + body.size())};
  buffer_.append(reinterpret_cast<const char*>(&record), sizeof(record));
  if (head_size > 0) buffer_.append(static_cast<const char*>(head), head_size);
  buffer_.append(body.data(), body.size());
  if (buffer_.size() >= kBuffer) Flush();
}

void ResponseWriter::Flush() {
  if (!WriteAll(socket_, buffer_.data(), buffer_.size(), absl::InfiniteFuture()).ok()) _exit(1);
  buffer_.clear();
}

}  // namespace mixmatch::model
