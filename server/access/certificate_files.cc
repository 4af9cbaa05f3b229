#include "server/access/certificate_files.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/base/status_macros.h"
#include "server/log.h"

namespace mixmatch::server {
namespace {

constexpr absl::Duration kLook = absl::Seconds(1);

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

absl::Status Bad(absl::string_view flag, const std::string& path, absl::string_view what) {
  ERR_clear_error();
  return absl::FailedPreconditionError(absl::StrCat(flag, ": ", path, " ", what));
}

absl::StatusOr<std::string> Read(absl::string_view flag, const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file || text.empty()) return Bad(flag, path, "cannot be read, or is empty");
  return text;
}

Bio Over(const std::string& text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free);
}

// The first one in `text`; nullptr if there is none.
Certificate FirstCertificate(const std::string& text) {
  const Bio bio = Over(text);
  return Certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), &X509_free);
}

int NoPassword(char*, int, int, void*) { return 0; }

}  // namespace

absl::StatusOr<Certificates> ReadCertificates(const TlsOptions& options) {
  Certificates read;
  MIXMATCH_ASSIGN_OR_RETURN(read.chain, Read("--tls-cert", options.certificate));
  MIXMATCH_ASSIGN_OR_RETURN(read.key, Read("--tls-key", options.key));
  const Certificate certificate = FirstCertificate(read.chain);
  if (certificate == nullptr) return Bad("--tls-cert", options.certificate, "has no certificate in PEM");
  const Bio bio = Over(read.key);
  const Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, &NoPassword, nullptr), &EVP_PKEY_free);
  if (key == nullptr) return Bad("--tls-key", options.key, "has no key in PEM, or one with a password");
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    return Bad("--tls-key", options.key, absl::StrCat("is not the key of the certificate in ", options.certificate));
  }
  if (X509_cmp_current_time(X509_get0_notAfter(certificate.get())) < 0) {
    Log::Warn("--tls-cert: the certificate in {} has expired; clients will refuse it", options.certificate);
  }
  if (options.client_ca.empty()) return read;
  MIXMATCH_ASSIGN_OR_RETURN(read.client_ca, Read("--tls-client-ca", options.client_ca));
  if (FirstCertificate(read.client_ca) == nullptr) {
    return Bad("--tls-client-ca", options.client_ca, "has no certificate in PEM");
  }
  return read;
}

std::string CertificateFiles::Stamp() const {
  std::string stamp;
  for (const std::string& path : {options_.certificate, options_.key, options_.client_ca}) {
    struct stat file;
    if (path.empty() || stat(path.c_str(), &file) != 0) continue;
    absl::StrAppend(&stamp, path, ":", file.st_ino, ":", file.st_size, ":", file.st_mtim.tv_sec, ".",
                    file.st_mtim.tv_nsec, ";");
  }
  return stamp;
}

bool CertificateFiles::Changed(absl::Time now, Certificates& certificates) {
  const absl::MutexLock lock(&mutex_);
  if (now < looked_ + kLook) return false;
  looked_ = now;
  std::string stamp = Stamp();
  if (stamp == stamp_) return false;
  auto read = ReadCertificates(options_);
  const bool first = stamp_.empty();
  stamp_ = std::move(stamp);
  if (!read.ok()) {
    Log::Warn("{}; the certificates before it stay in use", std::string(read.status().message()));
    return false;
  }
  if (!first) Log::Info("--tls-cert: new certificates are in use");
  certificates = *std::move(read);
  return true;
}

}  // namespace mixmatch::server
