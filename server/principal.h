// On whose behalf a call is made.
#ifndef MIXMATCH_SERVER_PRINCIPAL_H_
#define MIXMATCH_SERVER_PRINCIPAL_H_

#include <string>

#include <grpcpp/server_context.h>

#include "server/event_links.h"

namespace mixmatch::server {

// The one place that knows: until callers are authenticated, all are "local". Items, members of events and links keep it.
inline std::string CallerOf(const grpc::ServerContext& /*context*/) { return kLocalPrincipal; }

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_PRINCIPAL_H_
