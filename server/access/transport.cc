#include "server/access/transport.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

#include <algorithm>
#include <limits>

#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "proto/base/status_macros.h"
#include "server/access/certificate_files.h"

namespace mixmatch::server {
namespace {

// gRPC asks at each handshake whether there are other certificates; see README.md for why this and not its file
// watcher.
class ReloadingTls final : public grpc::ServerCredentials {
 public:
  explicit ReloadingTls(const TlsOptions& options) : files_(options) {
    const auto request = options.client_ca.empty() ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                                                   : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY;
    credentials_ = grpc_ssl_server_credentials_create_with_options(
        grpc_ssl_server_credentials_create_options_using_config_fetcher(request, &Fetch, this));
  }
  ~ReloadingTls() override { grpc_server_credentials_release(credentials_); }

  // Tokens are looked at by the doorkeeper, in the same way with TLS and without.
  void SetAuthMetadataProcessor(const std::shared_ptr<grpc::AuthMetadataProcessor>&) override {}

 private:
  int AddPortToServer(const std::string& address, grpc_server* server) override {
    return grpc_server_add_http2_port(server, address.c_str(), credentials_);
  }

  static grpc_ssl_certificate_config_reload_status Fetch(void* self, grpc_ssl_server_certificate_config** config) {
    Certificates now;
    if (!static_cast<ReloadingTls*>(self)->files_.Changed(absl::Now(), now)) {
      return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    }
    const grpc_ssl_pem_key_cert_pair pair = {now.key.c_str(), now.chain.c_str()};
    // gRPC 1.51 ends the process without trusted certificates, even where it asks clients for none.
    const std::string& trusted = now.client_ca.empty() ? now.chain : now.client_ca;
    *config = grpc_ssl_server_certificate_config_create(trusted.c_str(), &pair, 1);
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
  }

  CertificateFiles files_;
  grpc_server_credentials* credentials_;
};

// Milliseconds as gRPC takes them; 0 seconds: never.
int Milliseconds(double seconds) {
  constexpr double most = std::numeric_limits<int>::max();
  return seconds == 0.0 ? std::numeric_limits<int>::max() : static_cast<int>(std::min(most, seconds * 1000));
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeCredentials(const TlsOptions& options) {
  if (options.certificate.empty() != options.key.empty()) {
    return absl::FailedPreconditionError("--tls-cert, --tls-key: got one, wanted both or none");
  }
  if (options.certificate.empty()) {
    if (options.client_ca.empty()) return grpc::InsecureServerCredentials();
    return absl::FailedPreconditionError("--tls-client-ca: wanted --tls-cert and --tls-key too");
  }
  MIXMATCH_RETURN_IF_ERROR(ReadCertificates(options).status());
  return std::shared_ptr<grpc::ServerCredentials>(std::make_shared<ReloadingTls>(options));
}

void SetConnectionLimits(const ConnectionOptions& options, grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(options.message_bytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, options.streams);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, Milliseconds(options.idle_seconds));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, Milliseconds(options.age_seconds));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, Milliseconds(options.age_grace_seconds));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, Milliseconds(options.keepalive_seconds));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, Milliseconds(options.keepalive_timeout));
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             Milliseconds(std::max(0.001, options.least_ping_seconds)));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
}

}  // namespace mixmatch::server
