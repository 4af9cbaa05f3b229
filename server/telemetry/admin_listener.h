// A second gRPC port of the same process, for looking into gRPC itself.
#ifndef MIXMATCH_SERVER_TELEMETRY_ADMIN_LISTENER_H_
#define MIXMATCH_SERVER_TELEMETRY_ADMIN_LISTENER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace mixmatch::server {

// Serves grpc.channelz.v1, reflection and health until it is destroyed. channelz knows every server and socket of the
// process. It asks nobody who they are, so it listens on loopback or on a socket file only.
class AdminListener {
 public:
  // `address` is "127.0.0.1:port", "[::1]:port", "localhost:port" or "unix:path". Make it after the builders of all other
  // servers, which would else offer channelz too. INVALID_ARGUMENT: another address. FAILED_PRECONDITION: cannot listen.
  static absl::StatusOr<std::unique_ptr<AdminListener>> Start(const std::string& address);
  virtual ~AdminListener() = default;

  virtual int port() const = 0;  // 0 of a socket file.
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_TELEMETRY_ADMIN_LISTENER_H_
