// What calls come over: TLS, and what a connection may do.
#ifndef MIXMATCH_SERVER_ACCESS_TRANSPORT_H_
#define MIXMATCH_SERVER_ACCESS_TRANSPORT_H_

#include <memory>

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include "absl/status/statusor.h"
#include "server/access/access_options.h"

namespace mixmatch::server {

// TLS 1.2 or 1.3 with the files of `options`, read again for new connections when they change: a set that is not whole
// (unreadable, key of another certificate) is logged and the one before it stays. With a client CA, clients must have a
// certificate of it. Without a certificate: no encryption. FAILED_PRECONDITION: a file that cannot be used, with what
// to do.
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeCredentials(const TlsOptions& options);

void SetConnectionLimits(const ConnectionOptions& options, grpc::ServerBuilder& builder);

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_ACCESS_TRANSPORT_H_
