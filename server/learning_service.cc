#include <algorithm>

#include "absl/time/clock.h"
#include "google/protobuf/util/time_util.h"
#include "mixmatch/v1/learning_service.grpc.pb.h"
#include "server/services.h"

namespace mixmatch::server {
namespace {

constexpr absl::Duration kShortestInterval = absl::Milliseconds(100);
constexpr absl::Duration kLook = absl::Milliseconds(250);  // How soon the end of the call or the server is seen.

class LearningServiceImpl final : public v1::LearningService::Service {
 public:
  LearningServiceImpl(Core& core, FrontDoor& door) : core_(core), door_(door) {}

  grpc::Status Status(grpc::ServerContext* context, const v1::StatusRequest*, v1::StatusResponse* response) override {
    return door_.Handle(*context, "LearningService/Status",
                        [&](const Caller&) { return Tell(absl::OkStatus(), *response); });
  }

  grpc::Status Pause(grpc::ServerContext* context, const v1::PauseRequest*, v1::PauseResponse* response) override {
    return door_.Handle(*context, "LearningService/Pause", [&](const Caller&) {
      core_.learner->Pause();
      return Tell(absl::OkStatus(), *response);
    });
  }

  grpc::Status Resume(grpc::ServerContext* context, const v1::ResumeRequest*, v1::ResumeResponse* response) override {
    return door_.Handle(*context, "LearningService/Resume",
                        [&](const Caller&) { return Tell(core_.learner->Resume(), *response); });
  }

  grpc::Status Watch(grpc::ServerContext* context, const v1::WatchRequest* request,
                     grpc::ServerWriter<v1::WatchResponse>* writer) override {
    return door_.Handle(*context, "LearningService/Watch",
                        [&](const Caller&) { return DoWatch(*context, *request, *writer); });
  }

  grpc::Status History(grpc::ServerContext* context, const v1::HistoryRequest*, v1::HistoryResponse* response) override {
    return door_.Handle(*context, "LearningService/History", [&](const Caller&) {
      for (const v1::TrunkRecord& record : core_.learner->History()) *response->add_trunks() = record;
      for (const v1::TrainingSample& sample : core_.learner->Samples()) *response->add_samples() = sample;
      return absl::OkStatus();
    });
  }

  grpc::Status Rollback(grpc::ServerContext* context, const v1::RollbackRequest* request,
                        v1::RollbackResponse* response) override {
    return door_.Handle(*context, "LearningService/Rollback", [&](const Caller&) {
      return Tell(core_.trunk_learner->Rollback(request->trunk()), *response);
    });
  }

  grpc::Status PinTrunk(grpc::ServerContext* context, const v1::PinTrunkRequest* request,
                        v1::PinTrunkResponse* response) override {
    return door_.Handle(*context, "LearningService/PinTrunk",
                        [&](const Caller&) { return Tell(core_.learner->SetPinned(request->pinned()), *response); });
  }

  grpc::Status CompareTrunks(grpc::ServerContext* context, const v1::CompareTrunksRequest* request,
                             v1::CompareTrunksResponse* response) override {
    return door_.Handle(*context, "LearningService/CompareTrunks", [&](const Caller&) {
      const uint64_t other =
          request->has_other() ? request->other() : core_.live->Current()->encoder.trunk_number();
      auto compared = core_.trunk_learner->Compare(request->trunk(), other,
                                                   [&] { return context->IsCancelled() || core_.stopping; });
      if (compared.ok()) *response = *std::move(compared);
      return compared.status();
    });
  }

 private:
  // How learning stands after what was done.
  template <typename Response>
  absl::Status Tell(const absl::Status& done, Response& response) {
    *response.mutable_status() = core_.learner->Status();
    return done;
  }

  absl::Status DoWatch(const grpc::ServerContext& context, const v1::WatchRequest& request,
                       grpc::ServerWriter<v1::WatchResponse>& writer) {
    absl::Duration interval = absl::Seconds(1);
    if (request.has_interval()) {
      interval = absl::Milliseconds(google::protobuf::util::TimeUtil::DurationToMilliseconds(request.interval()));
      if (interval < kShortestInterval) {
        return absl::InvalidArgumentError("interval: wanted at least 0.1 s");
      }
    }
    uint64_t version = 0;
    uint64_t told = 0;
    absl::Time next = absl::InfinitePast();
    while (!context.IsCancelled() && !core_.stopping) {
      const v1::LearningStatus status = core_.learner->WaitStatus(version, absl::Now() + kLook);
      if (version == told || absl::Now() < next) {
        if (absl::Now() < next) absl::SleepFor(std::min(kLook, next - absl::Now()));
        continue;
      }
      v1::WatchResponse response;
      *response.mutable_status() = status;
      if (!writer.Write(response)) break;
      told = version;
      next = absl::Now() + interval;
    }
    return absl::OkStatus();
  }

  Core& core_;
  FrontDoor& door_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeLearningService(Core& core, FrontDoor& door) {
  return std::make_unique<LearningServiceImpl>(core, door);
}

}  // namespace mixmatch::server
