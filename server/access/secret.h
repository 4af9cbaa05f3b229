// The secrets of tokens: 256 random bits, known here by their hash alone.
#ifndef MIXMATCH_SERVER_ACCESS_SECRET_H_
#define MIXMATCH_SERVER_ACCESS_SECRET_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace mixmatch::server {

// "mm_", the token id (12 hexadecimal digits), "_" and 43 characters of base64url. INTERNAL: no randomness to be had.
absl::StatusOr<std::string> MakeSecret();

// The token id in a secret of that form; "" of another text.
absl::string_view TokenIdOf(absl::string_view secret);

// SHA-256, 32 bytes.
std::string HashOf(absl::string_view secret);

// Takes as long whether and wherever they differ.
bool SameHash(absl::string_view a, absl::string_view b);

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_ACCESS_SECRET_H_
