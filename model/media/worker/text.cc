#include "model/media/worker/text.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "model/media/worker/sniff.h"
#include "model/media/worker/subtitle_file.h"
#include "model/media/worker/unicode.h"
#include "proto/base/status_macros.h"

namespace mixmatch::model {
namespace {

// The hint may say which kind of text it is.
absl::string_view MediaType(const WireRequest& request) {
  const absl::string_view hint = absl::string_view(request.media_type_hint).substr(0, strcspn(request.media_type_hint, "; "));
  return absl::StartsWith(hint, "text/") && ValidUtf8Prefix(hint) == hint.size() ? hint : "text/plain";
}

}  // namespace

absl::Status DecodeText(const Content& content, const WireRequest& request, ResponseWriter* writer) {
  MIXMATCH_ASSIGN_OR_RETURN(std::string bytes, content.ReadEverything(request.max_text_bytes, "a text"));
  absl::string_view text = bytes;
  std::string converted;
  const bool big_endian = absl::StartsWith(content.head(), "\xfe\xff");
  if (big_endian || absl::StartsWith(content.head(), "\xff\xfe")) {
    converted = FromUtf16(text.substr(2), big_endian);
    text = converted;
  }
  absl::ConsumePrefix(&text, "\xef\xbb\xbf");
  if (const size_t valid = ValidUtf8Prefix(text); valid != text.size()) {
    return absl::InvalidArgumentError(absl::StrCat("content: got a text with byte ", static_cast<uint8_t>(text[valid]),
                                                   " at offset ", valid,
                                                   ", wanted UTF-8 without NUL; convert it to UTF-8"));
  }
  if (text.find_first_not_of(" \t\r\n\v\f") == text.npos) {
    return absl::InvalidArgumentError("content: got a text of white space only, wanted words; send some");
  }
  writer->Text(text);
  const std::string subtitles = SubtitleFileType(text);
  if (subtitles.empty()) {
    writer->Done(WireKind::kText, 0.0, MediaType(request));
    return absl::OkStatus();
  }
  double last = 0.0;
  int left = request.max_subtitles;
  ReadSubtitleFile(text, [&](double start, double end, absl::string_view words) {
    if (--left < 0) return;
    writer->Subtitle(start, end, 0, words);
    last = std::max(last, end);
  });
  writer->Done(WireKind::kText, last, subtitles);
  return absl::OkStatus();
}

}  // namespace mixmatch::model
