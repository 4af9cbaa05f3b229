// Texts of other encodings as UTF-8.
#ifndef MIXMATCH_MODEL_MEDIA_WORKER_UNICODE_H_
#define MIXMATCH_MODEL_MEDIA_WORKER_UNICODE_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace mixmatch::model {

void AppendUtf8(uint32_t point, std::string* out);

// Lone surrogates become U+FFFD.
std::string FromUtf16(absl::string_view bytes, bool big_endian);

// Windows-1252, of which Latin-1 is the greater part; every byte is some character.
std::string FromWindows1252(absl::string_view bytes);

// A text of unstated encoding as UTF-8, without its byte order mark: UTF-16 by that mark, else UTF-8, else Windows-1252.
// `converted` holds what had to be made.
absl::string_view AsUtf8(absl::string_view bytes, std::string* converted);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_WORKER_UNICODE_H_
