// Certificates for tests of TLS, made here.
#ifndef MIXMATCH_TESTS_INTEGRATION_CERTIFICATES_H_
#define MIXMATCH_TESTS_INTEGRATION_CERTIFICATES_H_

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

namespace mixmatch {

// In PEM.
struct IssuedCertificate {
  std::string certificate;
  std::string key;
};

// Signs certificates that hold for a day.
class TestCa {
 public:
  explicit TestCa(const std::string& name);
  // Its own certificate, in PEM.
  const std::string& certificate() const { return pem_; }
  // For this common name, and for the host names "localhost" and 127.0.0.1.
  IssuedCertificate Issue(const std::string& common_name) const;

 private:
  using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
  using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
  Key key_;
  Certificate certificate_;
  std::string pem_;
};

}  // namespace mixmatch

#endif  // MIXMATCH_TESTS_INTEGRATION_CERTIFICATES_H_
