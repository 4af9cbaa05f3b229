// The one place that turns absl::Status into grpc::Status.
#ifndef MIXMATCH_SERVER_GRPC_STATUS_H_
#define MIXMATCH_SERVER_GRPC_STATUS_H_

#include <grpcpp/support/status.h>

#include "absl/status/status.h"

namespace mixmatch::server {

// Same code, same message: absl's codes are gRPC's.
inline grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message()));
}

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_GRPC_STATUS_H_
