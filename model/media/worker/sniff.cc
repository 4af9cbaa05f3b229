#include "model/media/worker/sniff.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace mixmatch::model {
namespace {

struct Magic {
  size_t offset;
  absl::string_view bytes;
  Sniffed kind;
  const char* media_type;
};

constexpr Magic kMagics[] = {
    {0, absl::string_view("\xff\xd8\xff", 3), Sniffed::kStill, "image/jpeg"},
    {0, absl::string_view("\x89PNG\r\n\x1a\n", 8), Sniffed::kStill, "image/png"},
    {0, "GIF87a", Sniffed::kStill, "image/gif"},
    {0, "GIF89a", Sniffed::kStill, "image/gif"},
    {8, "WEBP", Sniffed::kStill, "image/webp"},
    {0, absl::string_view("\x93NUMPY", 6), Sniffed::kNpy, "application/x-npy"},
    {0, "MThd", Sniffed::kMidi, "audio/midi"},
    {0, "%PDF-", Sniffed::kUnsupported, "application/pdf"},
    {0, absl::string_view("PK\x03\x04", 4), Sniffed::kZip, "application/zip"},
    {0, absl::string_view("\x1f\x8b", 2), Sniffed::kUnsupported, "application/gzip"},
    {0, absl::string_view("7z\xbc\xaf\x27\x1c", 6), Sniffed::kUnsupported, "application/x-7z-compressed"},
    {0, absl::string_view("Rar!\x1a\x07", 6), Sniffed::kUnsupported, "application/vnd.rar"},
    {0, absl::string_view("\xfd" "7zXZ", 5), Sniffed::kUnsupported, "application/x-xz"},
    {0, absl::string_view("\x28\xb5\x2f\xfd", 4), Sniffed::kUnsupported, "application/zstd"},
    {0, absl::string_view("\x7f" "ELF", 4), Sniffed::kUnsupported, "application/x-executable"},
    {0, absl::string_view("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8), Sniffed::kUnsupported, "application/msword"},
    {0, "SQLite format 3", Sniffed::kUnsupported, "application/vnd.sqlite3"},
    {0, "PAR1", Sniffed::kUnsupported, "application/vnd.apache.parquet"},
    {0, absl::string_view("II*\0", 4), Sniffed::kUnsupported, "image/tiff"},
    {0, absl::string_view("MM\0*", 4), Sniffed::kUnsupported, "image/tiff"},
    {4, "ftypheic", Sniffed::kUnsupported, "image/heic"},
    {4, "ftypmif1", Sniffed::kUnsupported, "image/heif"},
    {4, "ftypavif", Sniffed::kUnsupported, "image/avif"},
};

bool Matches(absl::string_view head, const Magic& magic) {
  if (magic.offset == 8 && !absl::StartsWith(head, "RIFF")) return false;
  return head.size() > magic.offset && absl::StartsWith(head.substr(magic.offset), magic.bytes);
}

void SkipSpace(absl::string_view* text) {
  while (!text->empty() && (text->front() == ' ' || (text->front() >= '\t' && text->front() <= '\r'))) {
    text->remove_prefix(1);
  }
}

// Drops the text up to the end of `close`; everything if it is not there.
void SkipPast(absl::string_view* text, absl::string_view close) {
  const size_t at = text->find(close);
  text->remove_prefix(at == absl::string_view::npos ? text->size() : at + close.size());
}

// Drops "<!DOCTYPE ...>", with its internal subset in brackets.
void SkipDoctype(absl::string_view* text) {
  const size_t bracket = text->find('[');
  if (bracket != absl::string_view::npos && bracket < text->find('>')) SkipPast(text, "]");
  SkipPast(text, ">");
}

bool HasSvgRoot(absl::string_view text) {
  absl::ConsumePrefix(&text, "\xef\xbb\xbf");
  while (true) {
    SkipSpace(&text);
    if (absl::StartsWith(text, "<?")) {
      SkipPast(&text, "?>");
    } else if (absl::StartsWith(text, "<!--")) {
      SkipPast(&text, "-->");
    } else if (absl::StartsWith(text, "<!")) {
      SkipDoctype(&text);
    } else {
      break;
    }
  }
  if (!absl::ConsumePrefix(&text, "<")) return false;
  absl::string_view name = text.substr(0, text.find_first_of(" \t\r\n/>"));
  if (const size_t colon = name.find(':'); colon != absl::string_view::npos) name.remove_prefix(colon + 1);
  return name == "svg";
}

// Length of the UTF-8 sequence at the start of `text`, 0 if it is ill-formed or NUL. Table 3-7 of The Unicode Standard.
size_t SequenceLength(absl::string_view text) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<uint8_t>(text[i]) : 0; };
  const auto between = [&](size_t i, uint8_t low, uint8_t high) { return byte(i) >= low && byte(i) <= high; };
  const uint8_t lead = byte(0);
  if (lead < 0x80) return lead == 0 ? 0 : 1;
  if (lead >= 0xc2 && lead <= 0xdf) return between(1, 0x80, 0xbf) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    const bool second = between(1, lead == 0xe0 ? 0xa0 : 0x80, lead == 0xed ? 0x9f : 0xbf);
    return second && between(2, 0x80, 0xbf) ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    const bool second = between(1, lead == 0xf0 ? 0x90 : 0x80, lead == 0xf4 ? 0x8f : 0xbf);
    return second && between(2, 0x80, 0xbf) && between(3, 0x80, 0xbf) ? 4 : 0;
  }
  return 0;
}

bool LooksLikeText(const Content& content) {
  const absl::string_view head = content.head();
  if (absl::StartsWith(head, "\xff\xfe") || absl::StartsWith(head, "\xfe\xff")) {
    return content.size() % 2 == 0;
  }
  const size_t valid = ValidUtf8Prefix(head);
  // The head may end within a sequence, unless the content ends there as well.
  return valid == head.size() || (head.size() < content.size() && head.size() - valid < 4 && valid > 0);
}

}  // namespace

SniffedType Sniff(const Content& content) {
  const absl::string_view head = content.head();
  for (const Magic& magic : kMagics) {
    if (Matches(head, magic)) return {magic.kind, magic.media_type};
  }
  if (absl::StartsWith(head, "BM") && head.size() > 26 && head.substr(6, 4) == absl::string_view("\0\0\0\0", 4)) {
    return {Sniffed::kStill, "image/bmp"};
  }
  if (HasSvgRoot(head)) return {Sniffed::kSvg, "image/svg+xml"};
  if (LooksLikeText(content)) return {Sniffed::kText, "text/plain"};
  return {Sniffed::kTimed, ""};
}

absl::Status UnsupportedContent(absl::string_view got) {
  return absl::UnimplementedError(absl::StrCat(
      "content: got ", got.empty() ? "bytes of no known type" : got,
      ", wanted UTF-8 text, a picture (JPEG, PNG, WebP, GIF, BMP, SVG), a document "
      "(PDF, HTML, Markdown, Office Open XML, OpenDocument, EPUB), a table (CSV, TSV, JSON lines), a series (NPY), written music (MIDI), or a "
      "sound or video that FFmpeg decodes (such as WAV, MP3, FLAC, Ogg, MP4, WebM, AVI); convert it and send it again"));
}

absl::Status CheckHint(absl::string_view hint, absl::string_view found, bool holds_audio_and_video) {
  const absl::string_view wanted = hint.substr(0, hint.find('/'));
  if (wanted != "image" && wanted != "audio" && wanted != "video") return absl::OkStatus();
  if (found == wanted || (holds_audio_and_video && wanted != "image")) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("content: got bytes of ",
                                                 found.empty() ? "no known kind" : absl::StrCat("kind ", found),
                                                 ", wanted ", wanted, " as the media type says; correct one of them"));
}

size_t ValidUtf8Prefix(absl::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    const size_t length = SequenceLength(text.substr(at));
    if (length == 0) break;
    at += length;
  }
  return at;
}

}  // namespace mixmatch::model
