#include "model/media/worker/track_names.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "model/media/worker/sniff.h"

namespace mixmatch::model {
namespace {

constexpr size_t kMaxValueBytes = 1000;
constexpr size_t kMaxLinesBytes = 8000;
constexpr size_t kMaxTitleBytes = 400;

// What FFmpeg calls the tags that say something of the content; encoders, versions and dates of making do not.
constexpr const char* kTags[] = {"title",   "artist",  "album",       "album_artist", "composer", "performer",
                                 "genre",   "date",    "comment",     "description",  "synopsis", "show",
                                 "network", "track",   "grouping",    "keywords",     "lyrics",   "location",
                                 "service_name", "service_provider"};

std::string Cut(std::string value, size_t most) {
  value.resize(std::min(value.size(), most));
  value.resize(ValidUtf8Prefix(value));
  return value;
}

}  // namespace

std::string TagOf(const AVDictionary* tags, const char* name) {
  const AVDictionaryEntry* entry = av_dict_get(tags, name, nullptr, 0);
  if (entry == nullptr || entry->value == nullptr) return "";
  std::string value = Cut(entry->value, kMaxValueBytes);
  absl::StripAsciiWhitespace(&value);
  return value;
}

std::string TrackName(const AVStream* stream) {
  const std::string title = TagOf(stream->metadata, "title");
  std::string language = TagOf(stream->metadata, "language");
  if (language == "und") language.clear();
  if (title.empty() || language.empty()) return title.empty() ? language : title;
  return absl::StrCat(title, " (", language, ")");
}

std::string TagLines(const AVFormatContext* format) {
  std::string lines;
  const auto add = [&](const AVDictionary* tags) {
    for (const char* name : kTags) {
      const std::string value = TagOf(tags, name);
      if (!value.empty()) absl::StrAppend(&lines, lines.empty() ? "" : "\n", name, ": ", value);
    }
  };
  add(format->metadata);
  for (unsigned i = 0; lines.empty() && i < format->nb_streams; ++i) {  // Ogg has them on its tracks.
    if (format->streams[i]->codecpar->codec_type == AVMEDIA_TYPE_AUDIO) add(format->streams[i]->metadata);
  }
  for (unsigned i = 0; lines.empty() && i < format->nb_programs; ++i) add(format->programs[i]->metadata);
  return Cut(std::move(lines), kMaxLinesBytes);
}

std::string SoundTrackTitle(const AVFormatContext* format, const AVStream* audio) {
  std::vector<std::string> names;
  std::string own;
  for (unsigned i = 0; audio != nullptr && i < format->nb_streams; ++i) {
    const AVStream* stream = format->streams[i];
    if (stream->codecpar->codec_type != AVMEDIA_TYPE_AUDIO) continue;
    std::string name = TrackName(stream);
    if (name.empty()) name = absl::StrCat("sound ", names.size() + 1);
    if (stream == audio) own = name;
    names.push_back(std::move(name));
  }
  if (names.size() < 2) return "";
  return Cut(absl::StrCat(own, ", one of ", absl::StrJoin(names, "; ")), kMaxTitleBytes);
}

}  // namespace mixmatch::model
