#include "model/media/worker/subtitle_track.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "model/media/worker/sniff.h"

namespace mixmatch::model {
namespace {

constexpr size_t kMaxBytes = 1024;  // Of one subtitle.

}  // namespace

std::string PlainAssText(absl::string_view event) {
  for (int field = 0; field < 8; ++field) {
    const size_t comma = event.find(',');
    if (comma == absl::string_view::npos) return "";
    event.remove_prefix(comma + 1);
  }
  std::string text;
  for (size_t i = 0; i < event.size(); ++i) {
    if (event[i] == '{') {
      const size_t close = event.find('}', i);
      if (close == absl::string_view::npos) break;
      i = close;
    } else if (event[i] == '\\' && i + 1 < event.size() && absl::string_view("Nnh").find(event[i + 1]) != event.npos) {
      text.push_back(event[++i] == 'N' ? '\n' : ' ');
    } else {
      text.push_back(event[i]);
    }
  }
  absl::StripAsciiWhitespace(&text);
  text.resize(std::min(text.size(), kMaxBytes));
  text.resize(ValidUtf8Prefix(text));
  return text;
}

bool SubtitleTrack::Add(AVPacket* packet, double seconds, ResponseWriter* writer) {
  AVSubtitle subtitle = {};
  int got = 0;
  if (avcodec_decode_subtitle2(codec_.get(), &subtitle, &got, packet) < 0 || got == 0) return false;
  std::string text;
  for (unsigned i = 0; i < subtitle.num_rects; ++i) {
    if (subtitle.rects[i]->ass == nullptr) continue;
    const std::string line = PlainAssText(subtitle.rects[i]->ass);
    absl::StrAppend(&text, text.empty() || line.empty() ? "" : "\n", line);
  }
  const double start = std::max(0.0, seconds + subtitle.start_display_time / 1000.0);
  double length = (subtitle.end_display_time - subtitle.start_display_time) / 1000.0;
  if (packet->duration > 0) length = packet->duration * av_q2d(stream_->time_base);
  if (subtitle.end_display_time == UINT32_MAX && packet->duration <= 0) length = 0.0;
  avsubtitle_free(&subtitle);
  if (text.empty()) return false;
  writer->Subtitle(start, start + std::max(length, 0.0), number_, text);
  return true;
}

}  // namespace mixmatch::model
