#include "server/telemetry/admin_listener.h"

#include <grpcpp/ext/channelz_service_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>

#include <chrono>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace mixmatch::server {
namespace {

constexpr int kThreads = 4;
constexpr std::chrono::seconds kPatience(1);  // With calls under way, at the end.

bool IsLocal(const std::string& address) {
  return absl::StartsWith(address, "127.0.0.1:") || absl::StartsWith(address, "[::1]:") ||
         absl::StartsWith(address, "localhost:") || absl::StartsWith(address, "unix:");
}

class GrpcAdminListener final : public AdminListener {
 public:
  GrpcAdminListener(std::unique_ptr<grpc::Server> server, int port) : server_(std::move(server)), port_(port) {}
  ~GrpcAdminListener() override {
    server_->Shutdown(std::chrono::system_clock::now() + kPatience);
    server_->Wait();
  }
  int port() const override { return port_; }

 private:
  const std::unique_ptr<grpc::Server> server_;
  const int port_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<AdminListener>> AdminListener::Start(const std::string& address) {
  if (!IsLocal(address)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--admin-listen: got ", address, ", wanted an address of this machine alone, e.g. 127.0.0.1:7413 or unix:FILE"));
  }
  static const bool initialized = [] {
    grpc::channelz::experimental::InitChannelzService();
    return true;
  }();
  static_cast<void>(initialized);
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  grpc::ResourceQuota quota("admin");
  quota.SetMaxThreads(kThreads);
  builder.SetResourceQuota(quota);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || port == 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("--admin-listen: cannot listen on ", address, "; is another server using it?"));
  }
  if (auto* health = server->GetHealthCheckService()) health->SetServingStatus(true);
  return std::make_unique<GrpcAdminListener>(std::move(server), absl::StartsWith(address, "unix:") ? 0 : port);
}

}  // namespace mixmatch::server
