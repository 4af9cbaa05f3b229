// SHA-256 of bytes as they come, by OpenSSL.
#ifndef MIXMATCH_PROTO_BASE_SHA256_H_
#define MIXMATCH_PROTO_BASE_SHA256_H_

#include <openssl/evp.h>

#include <string>

#include "absl/strings/string_view.h"

namespace mixmatch {

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new()) { EVP_DigestInit_ex(context_, EVP_sha256(), nullptr); }
  ~Sha256() { EVP_MD_CTX_free(context_); }
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  void Update(absl::string_view bytes) { EVP_DigestUpdate(context_, bytes.data(), bytes.size()); }
  // The digest, 32 bytes. Once.
  std::string Finish() {
    std::string digest(32, '\0');
    EVP_DigestFinal_ex(context_, reinterpret_cast<unsigned char*>(digest.data()), nullptr);
    return digest;
  }

 private:
  EVP_MD_CTX* context_;
};

}  // namespace mixmatch

#endif  // MIXMATCH_PROTO_BASE_SHA256_H_
