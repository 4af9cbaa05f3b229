#include <algorithm>

#include "absl/time/clock.h"
#include "google/protobuf/util/time_util.h"
#include "mixmatch/v1/learning_service.grpc.pb.h"
#include "server/grpc_status.h"
#include "server/services.h"

namespace mixmatch::server {
namespace {

constexpr absl::Duration kShortestInterval = absl::Milliseconds(100);
constexpr absl::Duration kLook = absl::Milliseconds(250);  // How soon the end of the call or the server is seen.

class LearningServiceImpl final : public v1::LearningService::Service {
 public:
  explicit LearningServiceImpl(Core& core) : core_(core) {}

  grpc::Status Status(grpc::ServerContext*, const v1::StatusRequest*, v1::StatusResponse* response) override {
    *response->mutable_status() = core_.learner->Status();
    return grpc::Status::OK;
  }

  grpc::Status Pause(grpc::ServerContext*, const v1::PauseRequest*, v1::PauseResponse* response) override {
    core_.learner->Pause();
    *response->mutable_status() = core_.learner->Status();
    return grpc::Status::OK;
  }

  grpc::Status Resume(grpc::ServerContext*, const v1::ResumeRequest*, v1::ResumeResponse* response) override {
    const absl::Status resumed = core_.learner->Resume();
    *response->mutable_status() = core_.learner->Status();
    return ToGrpc(resumed);
  }

  grpc::Status Watch(grpc::ServerContext* context, const v1::WatchRequest* request,
                     grpc::ServerWriter<v1::WatchResponse>* writer) override {
    absl::Duration interval = absl::Seconds(1);
    if (request->has_interval()) {
      interval = absl::Milliseconds(google::protobuf::util::TimeUtil::DurationToMilliseconds(request->interval()));
      if (interval < kShortestInterval) {
        return ToGrpc(absl::InvalidArgumentError("interval: wanted at least 0.1 s"));
      }
    }
    uint64_t version = 0;
    uint64_t told = 0;
    absl::Time next = absl::InfinitePast();
    while (!context->IsCancelled() && !core_.stopping) {
      const v1::LearningStatus status = core_.learner->WaitStatus(version, absl::Now() + kLook);
      if (version == told || absl::Now() < next) {
        if (absl::Now() < next) absl::SleepFor(std::min(kLook, next - absl::Now()));
        continue;
      }
      v1::WatchResponse response;
      *response.mutable_status() = status;
      if (!writer->Write(response)) break;
      told = version;
      next = absl::Now() + interval;
    }
    return grpc::Status::OK;
  }

  grpc::Status History(grpc::ServerContext*, const v1::HistoryRequest*, v1::HistoryResponse* response) override {
    for (const v1::TrunkRecord& record : core_.learner->History()) *response->add_trunks() = record;
    for (const v1::TrainingSample& sample : core_.learner->Samples()) *response->add_samples() = sample;
    return grpc::Status::OK;
  }

  grpc::Status Rollback(grpc::ServerContext*, const v1::RollbackRequest* request,
                        v1::RollbackResponse* response) override {
    const absl::Status status = core_.trunk_learner->Rollback(request->trunk());
    *response->mutable_status() = core_.learner->Status();
    return ToGrpc(status);
  }

 private:
  Core& core_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeLearningService(Core& core) { return std::make_unique<LearningServiceImpl>(core); }

}  // namespace mixmatch::server
