#include "model/media/worker/still_header.h"

#include <algorithm>
#include <cstdlib>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace mixmatch::model {
namespace {

// Reads integers at offsets; what lies beyond the end is 0.
class Bytes {
 public:
  explicit Bytes(absl::string_view bytes) : bytes_(bytes) {}

  int64_t Big(size_t at, int count) const {
    int64_t value = 0;
    for (int i = 0; i < count; ++i) value = value << 8 | Byte(at + i);
    return value;
  }
  int64_t Little(size_t at, int count) const {
    int64_t value = 0;
    for (int i = count - 1; i >= 0; --i) value = value << 8 | Byte(at + i);
    return value;
  }

 private:
  uint8_t Byte(size_t at) const { return at < bytes_.size() ? static_cast<uint8_t>(bytes_[at]) : 0; }

  absl::string_view bytes_;
};

absl::Status Cut(absl::string_view media_type) {
  return absl::InvalidArgumentError(
      absl::StrCat("content: this ", media_type, " is truncated or damaged, wanted a whole file; send it again"));
}

// Walks the segments of ITU-T T.81 annex B to the frame header, then looks for the scan and the end of the image.
absl::StatusOr<StillHeader> ReadJpeg(absl::string_view jpeg) {
  const Bytes bytes(jpeg);
  StillHeader header;
  size_t at = 2;
  while (at + 4 <= jpeg.size()) {
    if (bytes.Big(at, 1) != 0xff) return Cut("image/jpeg");
    const int64_t marker = bytes.Big(at + 1, 1);
    if (marker == 0xff) {  // Fill byte.
      ++at;
      continue;
    }
    const bool tables = marker == 0xc4 || marker == 0xc8 || marker == 0xcc;
    if (marker >= 0xc0 && marker <= 0xcf && !tables) header = {bytes.Big(at + 7, 2), bytes.Big(at + 5, 2)};
    if (marker == 0xda) {
      const bool ends = absl::StrContains(jpeg.substr(at), absl::string_view("\xff\xd9", 2));
      if (!ends || header.width == 0) return Cut("image/jpeg");
      return header;
    }
    at += 2 + std::max<int64_t>(bytes.Big(at + 2, 2), 2);
  }
  return Cut("image/jpeg");
}

// RFC 9649.
absl::StatusOr<StillHeader> ReadWebp(absl::string_view webp) {
  const Bytes bytes(webp);
  if (bytes.Little(4, 4) + 8 > static_cast<int64_t>(webp.size())) return Cut("image/webp");
  const absl::string_view chunk = webp.substr(12, 4);
  if (chunk == "VP8X") return StillHeader{bytes.Little(24, 3) + 1, bytes.Little(27, 3) + 1};
  if (chunk == "VP8L") return StillHeader{(bytes.Little(21, 4) & 0x3fff) + 1, (bytes.Little(21, 4) >> 14 & 0x3fff) + 1};
  if (chunk == "VP8 ") return StillHeader{bytes.Little(26, 2) & 0x3fff, bytes.Little(28, 2) & 0x3fff};
  return Cut("image/webp");
}

void AppendLittle(int64_t value, int count, std::string* out) {
  for (int i = 0; i < count; ++i) out->push_back(static_cast<char>(value >> (8 * i)));
}

// A WebP file around the chunks of one ANMF frame, whose size is `width` x `height`.
std::string WrapFrame(absl::string_view chunks, int64_t width, int64_t height) {
  std::string extended;
  if (absl::StartsWith(chunks, "ALPH")) {
    extended = "VP8X";
    AppendLittle(10, 4, &extended);
    AppendLittle(0x10, 4, &extended);  // Has alpha.
    AppendLittle(width - 1, 3, &extended);
    AppendLittle(height - 1, 3, &extended);
  }
  std::string file = "RIFF";
  AppendLittle(4 + extended.size() + chunks.size(), 4, &file);
  return absl::StrCat(file, "WEBP", extended, chunks);
}

}  // namespace

absl::StatusOr<StillHeader> ReadStillHeader(absl::string_view content, absl::string_view media_type) {
  const Bytes bytes(content);
  if (media_type == "image/jpeg") return ReadJpeg(content);
  if (content.size() < 30) return Cut(media_type);
  if (media_type == "image/webp") return ReadWebp(content);
  if (media_type == "image/png") return StillHeader{bytes.Big(16, 4), bytes.Big(20, 4)};
  if (media_type == "image/gif") return StillHeader{bytes.Little(6, 2), bytes.Little(8, 2)};
  return StillHeader{bytes.Little(18, 4), std::abs(static_cast<int64_t>(static_cast<int32_t>(bytes.Little(22, 4))))};
}

absl::StatusOr<std::string> FirstWebpFrame(std::string file) {
  const Bytes bytes(file);
  const bool animated = absl::string_view(file).substr(12, 4) == "VP8X" && (bytes.Big(20, 1) & 0x02) != 0;
  if (!animated) return file;
  size_t at = 30;
  while (at + 8 <= file.size()) {
    const size_t size = bytes.Little(at + 4, 4);
    if (file.compare(at, 4, "ANMF") == 0) {
      if (size < 16 || size > file.size() - at - 8) return Cut("image/webp");
      const absl::string_view chunks = absl::string_view(file).substr(at + 24, size - 16);
      return WrapFrame(chunks, bytes.Little(at + 14, 3) + 1, bytes.Little(at + 17, 3) + 1);
    }
    at += 8 + size + size % 2;
  }
  return Cut("image/webp");
}

}  // namespace mixmatch::model
