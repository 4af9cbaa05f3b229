#include "model/media/worker/unicode.h"

#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "model/media/worker/sniff.h"

namespace mixmatch::model {

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

std::string FromWindows1252(absl::string_view bytes) {
  static constexpr uint16_t kHigh[] = {0x20ac, 0x81,   0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
                                       0x2039, 0x0152, 0x8d,   0x017d, 0x8f,   0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
                                       0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x9d,   0x017e, 0x0178};
  std::string out;
  out.reserve(bytes.size());
  for (const char c : bytes) {
    const uint8_t byte = static_cast<uint8_t>(c);
    AppendUtf8(byte >= 0x80 && byte < 0xa0 ? kHigh[byte - 0x80] : byte, &out);
  }
  return out;
}

absl::string_view AsUtf8(absl::string_view bytes, std::string* converted) {
  const bool big_endian = absl::StartsWith(bytes, "\xfe\xff");
  if (big_endian || absl::StartsWith(bytes, "\xff\xfe")) {
    *converted = FromUtf16(bytes.substr(2), big_endian);
    return *converted;
  }
  absl::ConsumePrefix(&bytes, "\xef\xbb\xbf");
  if (ValidUtf8Prefix(bytes) == bytes.size()) return bytes;
  *converted = FromWindows1252(bytes);
  return *converted;
}

}  // namespace mixmatch::model
