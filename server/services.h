// The gRPC services: thin: check, call, convert. Stateless over the rooms of the server.
#ifndef MIXMATCH_SERVER_SERVICES_H_
#define MIXMATCH_SERVER_SERVICES_H_

#include <memory>
#include <vector>

#include <grpcpp/impl/service_type.h>

#include "server/core.h"
#include "server/rpc/front_door.h"

namespace mixmatch::server {

class Access;

// One of each service, over `core`, each call through `door`; both must outlive them.
std::unique_ptr<grpc::Service> MakeItemService(Core& core, FrontDoor& door);
std::unique_ptr<grpc::Service> MakeEventService(Core& core, FrontDoor& door);
std::unique_ptr<grpc::Service> MakeSearchService(Core& core, FrontDoor& door);
std::unique_ptr<grpc::Service> MakeLearningService(Core& core, FrontDoor& door);
std::unique_ptr<grpc::Service> MakeAdminService(Core& core, FrontDoor& door);
std::unique_ptr<grpc::Service> MakeAccessService(Core& core, Access& access, FrontDoor& door);

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_SERVICES_H_
