// What every call passes on its way in and out: who may make it, whether there is room for it, what is noted of it.
#ifndef MIXMATCH_SERVER_RPC_FRONT_DOOR_H_
#define MIXMATCH_SERVER_RPC_FRONT_DOOR_H_

#include <memory>
#include <vector>

#include <grpcpp/server_context.h>
#include <grpcpp/support/status.h>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/rpc/caller.h"
#include "server/rpc/rpc_table.h"

namespace mixmatch::server {

// A call under way, on the thread that handles it.
struct Call {
  const Rpc& rpc;
  grpc::ServerContext& context;
  absl::Time began;
  Caller caller;
};

// Lets calls in or refuses them. Thread-safe.
class Doorkeeper {
 public:
  virtual ~Doorkeeper() = default;
  // Not OK: the call ends with it, its handler does not run, and those that admitted it before hear Left(). May fill
  // call.caller.
  virtual absl::Status Admit(Call& call) = 0;
  // An admitted call has ended.
  virtual void Left(const Call& /*call*/) {}
};

// Is told of every call, refused ones too. Thread-safe, quick, never fails.
class CallObserver {
 public:
  virtual ~CallObserver() = default;
  virtual void Began(Call& /*call*/) {}
  virtual void Ended(const Call& call, const absl::Status& status, absl::Duration took) = 0;
};

// Thread-safe once the server takes calls.
class FrontDoor {
 public:
  // Asked in this order. Not owned; both outlive the door.
  void Add(Doorkeeper* keeper) { keepers_.push_back(keeper); }
  void Add(CallObserver* observer) { observers_.push_back(observer); }

  // Runs `handler` as the RPC of this name (see rpc_table.h), if all doorkeepers admit the call. The one place where
  // errors become gRPC's: a refusal that says when to come again gets "grpc-retry-pushback-ms" (gRFC A6) in the trailing
  // metadata and google.rpc.RetryInfo in its details, another RESOURCE_EXHAUSTED the pushback -1, "do not".
  grpc::Status Handle(grpc::ServerContext& context, absl::string_view name,
                      absl::FunctionRef<absl::Status(const Caller&)> handler);

 private:
  absl::Status Pass(Call& call, absl::FunctionRef<absl::Status(const Caller&)> handler);

  std::vector<Doorkeeper*> keepers_;
  std::vector<CallObserver*> observers_;
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_RPC_FRONT_DOOR_H_
