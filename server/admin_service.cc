#include <unistd.h>

#include <fstream>
#include <map>
#include <utility>

#include "absl/time/clock.h"
#include "google/protobuf/util/time_util.h"
#include "mixmatch/v1/admin_service.grpc.pb.h"
#include "proto/base/status_macros.h"
#include "server/services.h"
#include "server/validation.h"

namespace mixmatch::server {
namespace {

using google::protobuf::util::TimeUtil;

uint64_t ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  uint64_t size = 0, resident = 0;
  statm >> size >> resident;
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

class AdminServiceImpl final : public v1::AdminService::Service {
 public:
  AdminServiceImpl(Core& core, FrontDoor& door) : core_(core), door_(door) {}

  grpc::Status Stats(grpc::ServerContext* context, const v1::StatsRequest*, v1::StatsResponse* response) override {
    return door_.Handle(*context, "AdminService/Stats", [&](const Caller&) { return DoStats(*response); });
  }

  grpc::Status Reindex(grpc::ServerContext* context, const v1::ReindexRequest* request,
                       v1::ReindexResponse* response) override {
    return door_.Handle(*context, "AdminService/Reindex",
                        [&](const Caller&) { return Answer(core_.operations->StartReindex(*request), *response); });
  }

  grpc::Status ListOperations(grpc::ServerContext* context, const v1::ListOperationsRequest* request,
                              v1::ListOperationsResponse* response) override {
    return door_.Handle(*context, "AdminService/ListOperations",
                        [&](const Caller&) { return DoList(*request, *response); });
  }

  grpc::Status GetOperation(grpc::ServerContext* context, const v1::GetOperationRequest* request,
                            v1::GetOperationResponse* response) override {
    return door_.Handle(*context, "AdminService/GetOperation", [&](const Caller&) {
      return Answer(core_.operations->Get(request->operation_id()), *response);
    });
  }

  grpc::Status CancelOperation(grpc::ServerContext* context, const v1::CancelOperationRequest* request,
                               v1::CancelOperationResponse* response) override {
    return door_.Handle(*context, "AdminService/CancelOperation", [&](const Caller&) {
      return Answer(core_.operations->Cancel(request->operation_id()), *response);
    });
  }

  grpc::Status WaitOperation(grpc::ServerContext* context, const v1::WaitOperationRequest* request,
                             v1::WaitOperationResponse* response) override {
    return door_.Handle(*context, "AdminService/WaitOperation",
                        [&](const Caller&) { return DoWait(*context, *request, *response); });
  }

 private:
  template <typename Response>
  static absl::Status Answer(absl::StatusOr<v1::Operation> operation, Response& response) {
    if (operation.ok()) *response.mutable_operation() = *std::move(operation);
    return operation.status();
  }

  absl::Status DoWait(const grpc::ServerContext& context, const v1::WaitOperationRequest& request,
                      v1::WaitOperationResponse& response) {
    double seconds = 60.0;
    if (request.has_timeout()) seconds = TimeUtil::DurationToMilliseconds(request.timeout()) / 1e3;
    if (seconds < 0.0 || seconds > 600.0) return absl::InvalidArgumentError("timeout: wanted 0 to 600 s");
    const absl::Time deadline = absl::Now() + absl::Seconds(seconds);
    while (true) {
      auto operation = core_.operations->Wait(request.operation_id(),
                                              std::min(deadline, absl::Now() + absl::Milliseconds(250)));
      const bool running = operation.ok() && operation->state() == v1::OPERATION_STATE_RUNNING;
      if (!running || absl::Now() >= deadline || context.IsCancelled() || core_.stopping) {
        return Answer(std::move(operation), response);
      }
    }
  }

  absl::Status DoStats(v1::StatsResponse& response) {
    const std::shared_ptr<const Serving> serving = core_.live->Current();
    response.set_version(MIXMATCH_VERSION);
    *response.mutable_uptime() = TimeUtil::SecondsToDuration(absl::ToInt64Seconds(absl::Now() - core_.started));
    std::map<v1::Modality, v1::ModalityStats> modalities;
    for (const auto& [modality, count] : core_.catalog.CountByModality()) modalities[modality].set_items(count);
    response.set_items(core_.catalog.size());
    for (size_t slot = 0; slot < serving->slots.size(); ++slot) {
      const auto modality = static_cast<v1::Modality>(model::ModalityTable()[slot]->modality());
      const index::SegmentedIndexStats stats = serving->slots[slot]->stats();
      const uint64_t parts = static_cast<uint64_t>(serving->slots[slot]->size());
      if (parts > 0) modalities[modality].set_parts(parts);
      response.set_parts(response.parts() + parts);
      response.set_segments(response.segments() + stats.segments);
      response.set_memtable_vectors(response.memtable_vectors() + stats.memtable_vectors);
      response.set_tombstones(response.tombstones() + stats.tombstones);
      response.set_index_bytes(response.index_bytes() + stats.bytes_resident());
      if (stats.recall >= 0.0 && (!response.has_index_recall() || stats.recall < response.index_recall())) {
        response.set_index_recall(stats.recall);
      }
    }
    for (auto& [modality, stats] : modalities) {
      stats.set_modality(modality);
      *response.add_modalities() = stats;
    }
    response.set_events(core_.events->size());
    response.set_generation(serving->generation);
    response.set_segments_loaded(core_.restored.segments_loaded);
    response.set_segments_rebuilt(core_.restored.segments_rebuilt);
    MIXMATCH_ASSIGN_OR_RETURN(const uint64_t disk_bytes, core_.store->DiskBytes());
    response.set_disk_bytes(disk_bytes);
    response.set_resident_bytes(ResidentBytes());
    response.set_searches(core_.queries->searches());
    response.set_searches_refused(core_.queries->gate().refused());
    response.set_searches_abandoned(core_.queries->abandoned());
    response.set_searches_waiting(static_cast<uint32_t>(core_.queries->gate().waiting()));
    response.set_uploads(core_.ingest->uploads());
    for (v1::IngestStats& one : core_.ingest->costs().Sums()) *response.add_ingest() = std::move(one);
    return absl::OkStatus();
  }

  absl::Status DoList(const v1::ListOperationsRequest& request, v1::ListOperationsResponse& response) {
    MIXMATCH_ASSIGN_OR_RETURN(const int page_size, PageSize(request.page_size()));
    MIXMATCH_ASSIGN_OR_RETURN(const uint64_t skip, PageToken(request.page_token()));
    const std::vector<v1::Operation> operations = core_.operations->List();
    for (size_t i = skip; i < operations.size(); ++i) {
      if (response.operations_size() == page_size) {
        response.set_next_page_token(std::to_string(i));
        break;
      }
      *response.add_operations() = operations[i];
    }
    return absl::OkStatus();
  }

  Core& core_;
  FrontDoor& door_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeAdminService(Core& core, FrontDoor& door) {
  return std::make_unique<AdminServiceImpl>(core, door);
}

}  // namespace mixmatch::server
