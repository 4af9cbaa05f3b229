#include "model/media/worker/response_writer.h"

#include <unistd.h>

#include <algorithm>

namespace mixmatch::model {
namespace {

constexpr size_t kBuffer = 1 << 18;  // Bytes.

absl::string_view Bytes(const void* data, size_t size) { return {static_cast<const char*>(data), size}; }

}  // namespace

void ResponseWriter::Text(absl::string_view utf8) { Record(WireRecordType::kText, nullptr, 0, utf8); }

void ResponseWriter::Frame(double seconds, const Picture& picture) {
  const WireFrame head = {seconds, picture.width, picture.height};
  Record(WireRecordType::kFrame, &head, sizeof(head), picture.rgb);
}

void ResponseWriter::Samples(double start_seconds, absl::Span<const float> samples) {
  const size_t most = (kMaxSamplesRecord - sizeof(double)) / sizeof(float);
  for (size_t from = 0; from < samples.size(); from += most) {
    const absl::Span<const float> some = samples.subspan(from, most);
    Record(WireRecordType::kSamples, &start_seconds, sizeof(start_seconds),
           Bytes(some.data(), some.size() * sizeof(float)));
  }
}

void ResponseWriter::Subtitle(double start_seconds, double end_seconds, absl::string_view utf8) {
  const double span[2] = {start_seconds, std::max(start_seconds, end_seconds)};
  Record(WireRecordType::kSubtitle, span, sizeof(span), utf8.substr(0, kMaxShortRecord - sizeof(span)));
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
