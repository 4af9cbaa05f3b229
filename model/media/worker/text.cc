#include "model/media/worker/text.h"

#include <cstring>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "model/media/worker/sniff.h"
#include "proto/base/status_macros.h"

namespace mixmatch::model {
namespace {

void AppendUtf8(uint32_t point, std::string* out) {
  if (point < 0x80) {
    out->push_back(point);
    return;
  }
  const int tail = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
  static constexpr uint8_t kLeads[] = {0, 0xc0, 0xe0, 0xf0};
  out->push_back(static_cast<char>(kLeads[tail] | (point >> (6 * tail))));
  for (int i = tail - 1; i >= 0; --i) out->push_back(static_cast<char>(0x80 | ((point >> (6 * i)) & 0x3f)));
}

// Lone surrogates become U+FFFD.
std::string FromUtf16(absl::string_view bytes, bool big_endian) {
  std::string out;
  out.reserve(bytes.size());
  const auto unit = [&](size_t i) -> uint32_t {
    const uint8_t first = bytes[i], second = bytes[i + 1];
    return big_endian ? first << 8 | second : second << 8 | first;
  };
  for (size_t i = 0; i + 1 < bytes.size(); i += 2) {
    uint32_t point = unit(i);
    if (point >= 0xd800 && point < 0xe000) {
      const uint32_t low = i + 3 < bytes.size() ? unit(i + 2) : 0;
      const bool pair = point < 0xdc00 && low >= 0xdc00 && low < 0xe000;
      point = pair ? 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00) : 0xfffd;
      if (pair) i += 2;
    }
    AppendUtf8(point, &out);
  }
  return out;
}

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
  writer->Done(WireKind::kText, 0.0, MediaType(request));
  return absl::OkStatus();
}

}  // namespace mixmatch::model
