// On whose behalf a call is made.
#ifndef MIXMATCH_SERVER_RPC_CALLER_H_
#define MIXMATCH_SERVER_RPC_CALLER_H_

#include <memory>
#include <string>

#include "server/rpc/allowance.h"

namespace mixmatch::server {

// Filled by those that admit the call; a handler reads it.
struct Caller {
  std::string principal;    // The user; kLocalPrincipal where the server is open. Items, members of events and links keep it.
  std::string token_id;     // The token in use; empty: none.
  std::string request_id;   // Names the call in logs and errors: the client's "x-request-id", or made here.
  std::shared_ptr<Allowance> allowance;  // nullptr: without bounds.
  // What the call changes, said by its handler for the audit log: ids alone, "item 7".
  mutable std::string subject;
  std::string traceparent;  // W3C trace context of the call; empty: none was sent.
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_RPC_CALLER_H_
