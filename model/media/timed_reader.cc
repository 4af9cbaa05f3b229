#include "model/media/timed_reader.h"

#include <string.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"

namespace mixmatch::model {
namespace {

constexpr int64_t kMaxTextBytes = 32 << 20;  // Of all subtitles and chapters.
constexpr uint32_t kMaxTracks = 64;
constexpr double kFrameSlack = 2.0;  // Times frames_per_second, and as many seconds.

absl::Status Breach(absl::string_view what) {
  return absl::DataLossError(absl::StrCat("decoder worker: broke its framing: ", what, "; it was replaced"));
}

template <typename T>
bool Consume(absl::string_view* body, T* value) {
  if (body->size() < sizeof(T)) return false;
  memcpy(value, body->data(), sizeof(T));
  body->remove_prefix(sizeof(T));
  return true;
}

bool IsSpan(const double (&span)[2]) { return std::isfinite(span[0]) && std::isfinite(span[1]) && span[0] <= span[1]; }

bool ReadImage(absl::string_view body, int side, double* seconds, DecodedImage* image) {
  WireFrame header;
  if (!Consume(&body, &header)) return false;
  if (header.width < 1 || header.height < 1 || header.width > side || header.height > side) return false;
  if (body.size() != size_t{3} * header.width * header.height) return false;
  *seconds = header.seconds;
  image->width = header.width;
  image->height = header.height;
  image->rgb.assign(body.begin(), body.end());
  return true;
}

}  // namespace

bool TimedReader::Takes(WireRecordType type) const {
  switch (type) {
    case WireRecordType::kFrame: return begun_;
    case WireRecordType::kSamples:
    case WireRecordType::kSubtitle:
    case WireRecordType::kBegin:
    case WireRecordType::kTrack:
    case WireRecordType::kChapter:
    case WireRecordType::kTags:
    case WireRecordType::kCover: return true;
    default: return false;
  }
}

uint32_t TimedReader::most_bytes() const {
  const uint32_t side = std::max({limits_.image_side, limits_.frame_side, 1});
  return std::max<uint32_t>(kMaxSamplesRecord, sizeof(WireFrame) + 3 * side * side);
}

absl::Status TimedReader::Take(WireRecordType type, absl::string_view body) {
  const bool text = type == WireRecordType::kSubtitle;  // Also of a TEXT.
  if (type == WireRecordType::kBegin) return Begin(body);
  if (!begun_ && !text) return Breach("no beginning");
  switch (type) {
    case WireRecordType::kFrame: return Frame(body);
    case WireRecordType::kSamples: return Samples(body);
    case WireRecordType::kSubtitle: return Subtitle(body);
    case WireRecordType::kTrack: return Track(body);
    case WireRecordType::kChapter: return Chapter(body);
    case WireRecordType::kTags: return Tags(body);
    case WireRecordType::kCover: return Cover(body);
    default: return Breach("unknown record");
  }
}

bool TimedReader::Makes(WireKind kind) const {
  if (!begun_ || kind != kind_) return false;
  return kind == WireKind::kVideo ? frames_ > 0 : samples_ > 0 && frames_ == 0;
}

absl::Status TimedReader::Told(absl::Status status) {
  if (!status.ok()) refusal_ = status;
  return status;
}

absl::Status TimedReader::Begin(absl::string_view body) {
  WireDone begin;
  if (begun_ || !Consume(&body, &begin) || body.size() > kMaxShortRecord) return Breach("beginning");
  if (begin.kind != WireKind::kAudio && begin.kind != WireKind::kVideo) return Breach("beginning");
  begun_ = true;
  kind_ = begin.kind;
  return Told(sink_.Begin(kind_ == WireKind::kVideo ? v1::MODALITY_VIDEO : v1::MODALITY_AUDIO, std::string(body)));
}

absl::Status TimedReader::Frame(absl::string_view body) {
  DecodedFrame frame;
  if (!ReadImage(body, limits_.frame_side, &frame.seconds, &frame.image)) return Breach("frame");
  const bool timed = std::isfinite(frame.seconds) && frame.seconds >= last_frame_ &&
                     frame.seconds <= limits_.max_seconds;
  if (!timed || kind_ != WireKind::kVideo) return Breach("frame");
  if (++frames_ > kFrameSlack * std::max(limits_.frames_per_second, 1.0) * (frame.seconds + kFrameSlack)) {
    return Breach("too many frames");
  }
  last_frame_ = frame.seconds;
  media_seconds_ = std::max(media_seconds_, frame.seconds);
  return Told(sink_.Frame(std::move(frame)));
}

absl::Status TimedReader::Samples(absl::string_view body) {
  double start;
  if (!Consume(&body, &start) || body.size() % sizeof(float) != 0 || !std::isfinite(start)) return Breach("samples");
  if (samples_ == 0) samples_start_ = std::max(start, 0.0);
  clean_.resize(body.size() / sizeof(float));
  samples_ += clean_.size();
  const double seconds = static_cast<double>(samples_) / kSampleRate;
  if (seconds > limits_.max_seconds + 1.0) return Breach("too many samples");
  memcpy(clean_.data(), body.data(), body.size());
  for (float& sample : clean_) sample = std::isfinite(sample) ? std::clamp(sample, -1.0f, 1.0f) : 0.0f;
  media_seconds_ = std::max(media_seconds_, seconds);
  return Told(sink_.Samples(samples_start_, clean_));
}

absl::Status TimedReader::Subtitle(absl::string_view body) {
  double span[2];
  uint32_t track;
  text_bytes_ += body.size();
  const int64_t most = int64_t{std::max(limits_.max_subtitles, 0)} + 10'000;  // Chapters beside them.
  if (body.size() > kMaxShortRecord || ++texts_ > most || text_bytes_ > kMaxTextBytes || !Consume(&body, &span) ||
      !Consume(&body, &track) || !IsSpan(span)) {
    return Breach("subtitle");
  }
  const auto title = tracks_.find(track);
  return Told(sink_.Subtitle({span[0], span[1], std::string(body), title == tracks_.end() ? "" : title->second}));
}

absl::Status TimedReader::Track(absl::string_view body) {
  uint32_t track;
  if (body.size() > kMaxShortRecord || !Consume(&body, &track) || track > kMaxTracks) return Breach("track");
  if (!tracks_.try_emplace(track, body).second) return Breach("track");
  return track == 0 ? Told(sink_.SoundTrack(std::string(body))) : absl::OkStatus();
}

absl::Status TimedReader::Chapter(absl::string_view body) {
  double span[2];
  text_bytes_ += body.size();
  if (body.size() > kMaxShortRecord || ++texts_ > int64_t{limits_.max_subtitles} + 10'000 ||
      text_bytes_ > kMaxTextBytes || !Consume(&body, &span) || !IsSpan(span) || body.empty()) {
    return Breach("chapter");
  }
  return Told(sink_.Chapter({span[0], span[1], std::string(body)}));
}

absl::Status TimedReader::Tags(absl::string_view body) {
  if (std::exchange(tags_, true) || body.size() > kMaxShortRecord) return Breach("tags");
  return Told(sink_.Tags(std::string(body)));
}

absl::Status TimedReader::Cover(absl::string_view body) {
  double seconds;
  DecodedImage image;
  if (std::exchange(cover_, true) || !ReadImage(body, limits_.image_side, &seconds, &image)) return Breach("cover");
  return Told(sink_.Cover(std::move(image)));
}

}  // namespace mixmatch::model
