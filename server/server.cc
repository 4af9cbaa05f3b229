#include "server/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <pthread.h>
#include <signal.h>

#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "model/threads.h"
#include "proto/base/status_macros.h"
#include "server/access/access.h"
#include "server/access/audit_log.h"
#include "server/access/call_deadline.h"
#include "server/access/transport.h"
#include "server/core.h"
#include "server/log.h"
#include "server/overload/admission.h"
#include "server/port_file.h"
#include "server/services.h"
#include "server/telemetry/telemetry.h"

namespace mixmatch::server {
namespace {

constexpr int kLeastPollers = 4;
constexpr int kMostPollers = 16;
constexpr const char* kServices[] = {"mixmatch.v1.ItemService", "mixmatch.v1.EventService", "mixmatch.v1.SearchService",
                                     "mixmatch.v1.LearningService", "mixmatch.v1.AdminService",
                                     "mixmatch.v1.AccessService"};

// SIGTERM, SIGINT and SIGHUP wait for sigwait; every thread started later inherits that.
sigset_t BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return signals;
}

void SetHealth(grpc::Server& server, bool serving) {
  grpc::HealthCheckServiceInterface* health = server.GetHealthCheckService();
  health->SetServingStatus(serving);
  for (const char* name : kServices) health->SetServingStatus(name, serving);
}

// Of the services that a drained server does not offer.
void SetWritersHealth(grpc::Server& server, bool serving) {
  grpc::HealthCheckServiceInterface* health = server.GetHealthCheckService();
  for (const char* name : {"mixmatch.v1.ItemService", "mixmatch.v1.EventService"}) health->SetServingStatus(name, serving);
}

// Waits for a signal to end; it. SIGHUP opens the audit log anew.
int WaitForEnd(const sigset_t& signals, AuditLog* audit) {
  for (;;) {
    int received = 0;
    sigwait(&signals, &received);
    if (received != SIGHUP) return received;
    if (audit != nullptr) audit->Reopen();
  }
}

}  // namespace

absl::Status Run(const ServerOptions& options) {
  const sigset_t signals = BlockSignals();
  std::string admin_token = TakeAdminTokenVariable();
  MIXMATCH_ASSIGN_OR_RETURN(const std::shared_ptr<grpc::ServerCredentials> credentials,
                            MakeCredentials(options.access.tls));
  model::PrepareForManyThreads();
  MIXMATCH_ASSIGN_OR_RETURN(const std::unique_ptr<Core> core, Core::Open(options));

  MIXMATCH_ASSIGN_OR_RETURN(
      const std::unique_ptr<Access> access,
      Access::Open(options.access, options.listen, std::move(admin_token), *core->store, core->catalog));
  std::unique_ptr<AuditLog> audit;
  if (!options.access.audit_log.empty()) {
    MIXMATCH_ASSIGN_OR_RETURN(audit, AuditLog::Open(options.access.audit_log));
  }
  std::unique_ptr<CallDeadline> deadline;
  FrontDoor door;
  door.Add(access.get());
  if (audit != nullptr) door.Add(audit.get());
  if (options.access.call_seconds > 0) {
    deadline = std::make_unique<CallDeadline>(absl::Seconds(options.access.call_seconds));
    door.Add(deadline.get());
  }
  Admission admission(*core->headroom, core->drain);
  door.Add(&admission);
  Telemetry telemetry(options.telemetry, *core, admission);
  telemetry.Watch(door);

  grpc::EnableDefaultHealthCheckService(true);
  if (access->reflection()) grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  std::vector<std::unique_ptr<grpc::Service>> services;
  services.push_back(MakeItemService(*core, door));
  services.push_back(MakeEventService(*core, door));
  services.push_back(MakeSearchService(*core, door));
  services.push_back(MakeLearningService(*core, door));
  services.push_back(MakeAdminService(*core, door));
  services.push_back(MakeAccessService(*core, *access, door));
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(options.listen, credentials, &port);
  SetConnectionLimits(options.access.connections, builder);
  builder.SetMaxSendMessageSize(-1);
  grpc::ResourceQuota quota("mixmatchd");
  quota.SetMaxThreads(options.limits.max_rpcs);
  builder.SetResourceQuota(quota);
  // Threads that wait for calls are kept: by default one or two, and most calls would first start a thread.
  builder.SetSyncServerOption(grpc::ServerBuilder::MIN_POLLERS, kLeastPollers);
  builder.SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, kMostPollers);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  for (const auto& service : services) builder.RegisterService(service.get());
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || port == 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("--listen: cannot listen on ", options.listen, "; is another server using it?"));
  }
  MIXMATCH_RETURN_IF_ERROR(core->Start());
  MIXMATCH_RETURN_IF_ERROR(telemetry.Start());
  SetHealth(*server, true);
  core->drain.OnChange([&server](bool draining) { SetWritersHealth(*server, !draining); });
  telemetry.SetServing(true);
  MIXMATCH_RETURN_IF_ERROR(WritePortFile("--port-file", options.port_file, port));
  Log::Info("serving on port {}", port);

  const int received = WaitForEnd(signals, audit.get());
  Log::Info("signal {}: draining for up to {} s", received, options.drain_seconds);
  core->drain.OnChange(nullptr);
  SetHealth(*server, false);
  telemetry.SetServing(false);
  core->stopping = true;
  server->Shutdown(std::chrono::system_clock::now() +
                   std::chrono::milliseconds(static_cast<int64_t>(options.drain_seconds * 1000)));
  server->Wait();
  core->Stop();
  Log::Info("stopped");
  return absl::OkStatus();
}

}  // namespace mixmatch::server
