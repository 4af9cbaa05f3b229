// What bytes are, by the bytes.
#ifndef MIXMATCH_MODEL_MEDIA_WORKER_SNIFF_H_
#define MIXMATCH_MODEL_MEDIA_WORKER_SNIFF_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "model/media/worker/content.h"

namespace mixmatch::model {

enum class Sniffed {
  kStill,        // JPEG, PNG, WebP, GIF, BMP.
  kSvg,          // XML with an svg root.
  kNpy,          // NumPy arrays.
  kMidi,         // Written music.
  kText,         // UTF-8, or UTF-16 with a byte order mark.
  kZip,          // Office documents, OpenDocument, EPUB.
  kUnsupported,  // Known, and decoded by nothing here: 7z, HEIC...
  kTimed,        // Anything else: FFmpeg may know it.
};

struct SniffedType {
  Sniffed kind;
  std::string media_type;  // Empty for kTimed, and for kUnsupported that has none.
};

// Looks at content.head() only, so "text" means: so far.
SniffedType Sniff(const Content& content);

// UNIMPLEMENTED that names what was got, if known, and what is supported.
absl::Status UnsupportedContent(absl::string_view got);

// INVALID_ARGUMENT if `hint` names a picture, sound or video and bytes of `found`, such as "image", are none.
// `found` may be empty: of no known kind. Containers that hold sounds as well as videos agree with both.
absl::Status CheckHint(absl::string_view hint, absl::string_view found, bool holds_audio_and_video);

// Length of the longest prefix of `text` that is well-formed UTF-8 (RFC 3629) without NUL.
size_t ValidUtf8Prefix(absl::string_view text);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_WORKER_SNIFF_H_
