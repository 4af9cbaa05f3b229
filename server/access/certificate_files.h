// The certificate, key and client CA that are in files now.
#ifndef MIXMATCH_SERVER_ACCESS_CERTIFICATE_FILES_H_
#define MIXMATCH_SERVER_ACCESS_CERTIFICATE_FILES_H_

#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/access/access_options.h"

namespace mixmatch::server {

// PEM texts that belong together.
struct Certificates {
  std::string chain;
  std::string key;
  std::string client_ca;  // Empty: clients need no certificate.
};

// Reads and checks: the key is the certificate's, the CA file has certificates. FAILED_PRECONDITION says which file is
// bad.
absl::StatusOr<Certificates> ReadCertificates(const TlsOptions& options);

// Thread-safe.
class CertificateFiles {
 public:
  explicit CertificateFiles(const TlsOptions& options) : options_(options) {}

  // True, with the certificates: they are others than those that were given last. The files are looked at once a second
  // at most; bad ones are logged, once, and count as unchanged.
  bool Changed(absl::Time now, Certificates& certificates);

 private:
  // Changes whenever a file does, but for a rewrite within the clock's grain.
  std::string Stamp() const;

  const TlsOptions options_;
  absl::Mutex mutex_;
  absl::Time looked_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  std::string stamp_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_ACCESS_CERTIFICATE_FILES_H_
