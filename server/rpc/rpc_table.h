// Every RPC of the server, and what is to be known of it before its handler runs.
#ifndef MIXMATCH_SERVER_RPC_RPC_TABLE_H_
#define MIXMATCH_SERVER_RPC_RPC_TABLE_H_

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "mixmatch/v1/access_service.pb.h"

namespace mixmatch::server {

struct Rpc {
  const char* name;     // "Service/Method", without the package.
  v1::Role role;        // What the caller must have; ROLE_UNSPECIFIED: nothing, it need only be known.
  bool writes = false;  // Changes what is stored, learned or who may do so: refused while draining or without disk, audited.
};

// Ordered as the services are in their files. A test holds it against the services' descriptors.
absl::Span<const Rpc> RpcTable();

// The row of a name in the table; ends the process if there is none, which is a bug of ours.
const Rpc& RpcNamed(absl::string_view name);

// Whether how long a call takes says nothing of the server: a stream, or one whose purpose is to wait.
bool Waits(const Rpc& rpc);

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_RPC_RPC_TABLE_H_
