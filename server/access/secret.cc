#include "server/access/secret.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "proto/base/sha256.h"

namespace mixmatch::server {
namespace {

constexpr absl::string_view kPrefix = "mm_";
constexpr size_t kIdBytes = 6;
constexpr size_t kSecretBytes = 32;
constexpr size_t kSecretDigits = 43;

}  // namespace

absl::StatusOr<std::string> MakeSecret() {
  std::string random(kIdBytes + kSecretBytes, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(random.data()), static_cast<int>(random.size())) != 1) {
    return absl::InternalError("token: the system gives no random bytes");
  }
  const absl::string_view all = random;
  return absl::StrCat(kPrefix, absl::BytesToHexString(all.substr(0, kIdBytes)), "_",
                      absl::WebSafeBase64Escape(all.substr(kIdBytes)));
}

absl::string_view TokenIdOf(absl::string_view secret) {
  constexpr size_t id_digits = 2 * kIdBytes;
  if (secret.size() != kPrefix.size() + id_digits + 1 + kSecretDigits || !absl::StartsWith(secret, kPrefix) ||
      secret[kPrefix.size() + id_digits] != '_') {
    return "";
  }
  const absl::string_view id = secret.substr(kPrefix.size(), id_digits);
  for (const char c : id) {
    if (!absl::ascii_isxdigit(static_cast<unsigned char>(c))) return "";
  }
  return id;
}

std::string HashOf(absl::string_view secret) {
  Sha256 hash;
  hash.Update(secret);
  return hash.Finish();
}

bool SameHash(absl::string_view a, absl::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace mixmatch::server
