#include <chrono>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "google/protobuf/util/time_util.h"
#include "mixmatch/v1/admin_service.grpc.pb.h"
#include "proto/base/status_macros.h"
#include "server/backup/checkpoint_archive.h"
#include "server/backup/compaction.h"
#include "server/log.h"
#include "server/services.h"
#include "server/validation.h"

namespace mixmatch::server {
namespace {

using google::protobuf::util::TimeUtil;

constexpr size_t kExportBytes = 1 << 20;

class AdminServiceImpl final : public v1::AdminService::Service {
 public:
  AdminServiceImpl(Core& core, FrontDoor& door) : core_(core), door_(door) {}

  grpc::Status Stats(grpc::ServerContext* context, const v1::StatsRequest*, v1::StatsResponse* response) override {
    return door_.Handle(*context, "AdminService/Stats", [&](const Caller&) { return DoStats(*response); });
  }

  grpc::Status GetConfig(grpc::ServerContext* context, const v1::GetConfigRequest*,
                         v1::GetConfigResponse* response) override {
    return door_.Handle(*context, "AdminService/GetConfig", [&](const Caller&) {
      for (const Setting& setting : core_.options.settings) {
        v1::Setting& to = *response->add_settings();
        to.set_name(setting.name);
        to.set_value(setting.value);
        to.set_changed(setting.changed);
        to.set_description(setting.description);
      }
      return absl::OkStatus();
    });
  }

  grpc::Status Drain(grpc::ServerContext* context, const v1::DrainRequest* request,
                     v1::DrainResponse* response) override {
    return door_.Handle(*context, "AdminService/Drain",
                        [&](const Caller&) { return DoDrain(*context, request->off(), *response); });
  }

  grpc::Status Reindex(grpc::ServerContext* context, const v1::ReindexRequest* request,
                       v1::ReindexResponse* response) override {
    return door_.Handle(*context, "AdminService/Reindex", [&](const Caller&) {
      return Begin(server::Reindex::kKind, core_.reindex->Prepare(*request, *core_.operations), *response);
    });
  }

  grpc::Status Backup(grpc::ServerContext* context, const v1::BackupRequest* request,
                      v1::BackupResponse* response) override {
    return door_.Handle(*context, "AdminService/Backup", [&](const Caller&) {
      return Begin(Backups::kKind, core_.backups->Prepare(*request), *response);
    });
  }

  grpc::Status ListBackups(grpc::ServerContext* context, const v1::ListBackupsRequest* request,
                           v1::ListBackupsResponse* response) override {
    return door_.Handle(*context, "AdminService/ListBackups", [&](const Caller&) {
      auto sets = core_.backups->List(*request);
      if (sets.ok()) response->mutable_backups()->Assign(sets->begin(), sets->end());
      return sets.status();
    });
  }

  grpc::Status DeleteBackup(grpc::ServerContext* context, const v1::DeleteBackupRequest* request,
                            v1::DeleteBackupResponse*) override {
    return door_.Handle(*context, "AdminService/DeleteBackup",
                        [&](const Caller&) { return core_.backups->Delete(*request); });
  }

  grpc::Status Verify(grpc::ServerContext* context, const v1::VerifyRequest* request,
                      v1::VerifyResponse* response) override {
    return door_.Handle(*context, "AdminService/Verify", [&](const Caller&) {
      return Begin(Verification::kKind, Verification::Prepare(*request), *response);
    });
  }

  grpc::Status Compact(grpc::ServerContext* context, const v1::CompactRequest*,
                       v1::CompactResponse* response) override {
    return door_.Handle(*context, "AdminService/Compact", [&](const Caller&) {
      storage::v1::OperationRecord request;
      request.mutable_compact();
      return Begin(kCompactKind, std::move(request), *response);
    });
  }

  grpc::Status ExportCheckpoint(grpc::ServerContext* context, const v1::ExportCheckpointRequest*,
                                grpc::ServerWriter<v1::ExportCheckpointResponse>* writer) override {
    return door_.Handle(*context, "AdminService/ExportCheckpoint", [&](const Caller&) { return DoExport(*writer); });
  }

  grpc::Status ImportCheckpoint(grpc::ServerContext* context, grpc::ServerReader<v1::ImportCheckpointRequest>* reader,
                                v1::ImportCheckpointResponse* response) override {
    return door_.Handle(*context, "AdminService/ImportCheckpoint",
                        [&](const Caller&) { return DoImport(*reader, *response); });
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

  template <typename Response>
  absl::Status Begin(const std::string& kind, absl::StatusOr<storage::v1::OperationRecord> request,
                     Response& response) {
    MIXMATCH_RETURN_IF_ERROR(request.status());
    return Answer(core_.operations->Begin(kind, *std::move(request)), response);
  }

  absl::Status DoExport(grpc::ServerWriter<v1::ExportCheckpointResponse>& writer) {
    uint64_t steps = 0;
    for (const v1::TrunkRecord& record : core_.learner->History()) steps = record.current() ? record.steps() : steps;
    absl::StatusOr<std::string> trainer = absl::NotFoundError("none");
    if (const auto manifest = core_.store->GetManifest(); manifest.ok()) {
      trainer = core_.checkpoint->LoadTrainerState(*manifest);
    }
    MIXMATCH_ASSIGN_OR_RETURN(const std::string archive,
                              WriteArchive(*core_.live->Current(), steps, trainer.value_or("")));
    v1::ExportCheckpointResponse piece;
    for (size_t at = 0; at < archive.size(); at += kExportBytes) {
      piece.set_chunk(archive.substr(at, kExportBytes));
      if (!writer.Write(piece)) return absl::CancelledError("the client has gone");
    }
    return absl::OkStatus();
  }

  absl::Status DoImport(grpc::ServerReader<v1::ImportCheckpointRequest>& reader, v1::ImportCheckpointResponse& response) {
    const auto most = static_cast<uint64_t>(core_.options.backup.max_checkpoint_bytes);
    v1::ImportCheckpointRequest message;
    if (!reader.Read(&message) || !message.has_header()) {
      return absl::InvalidArgumentError("header: wanted it in the first message");
    }
    const bool force = message.header().force();
    std::string archive;
    while (reader.Read(&message)) {
      if (message.has_header()) return absl::InvalidArgumentError("header: wanted it in the first message only");
      if (message.chunk().size() > most - archive.size()) {
        return absl::ResourceExhaustedError(
            absl::StrCat("chunk: more than ", most, " bytes; raise the server's --max-checkpoint-bytes"));
      }
      archive += message.chunk();
    }
    MIXMATCH_ASSIGN_OR_RETURN(const CheckpointArchive read, ReadArchive(archive));
    return Answer(core_.operations->Begin("import", {}, [this, read, force](OperationRun& run) {
      run.SetProgress(0, 1);
      MIXMATCH_RETURN_IF_ERROR(
          core_.trunk_learner->Offer(read.trunk, read.steps, force, [&run] { return run.stop().load(); }));
      run.SetProgress(1, 1);
      return absl::OkStatus();
    }), response);
  }

  absl::Status DoDrain(const grpc::ServerContext& context, bool off, v1::DrainResponse& response) {
    absl::Status status;
    if (off) {
      core_.drain.End();
    } else {
      const auto deadline = context.deadline();
      const bool bounded = deadline < std::chrono::system_clock::time_point::max();
      status = core_.drain.Begin(bounded ? absl::FromChrono(deadline) : absl::InfiniteFuture(),
                                 [&] { return context.IsCancelled() || core_.stopping; });
    }
    response.set_draining(core_.drain.draining());
    Log::Info(core_.drain.draining() ? "drained: writes are refused" : "writes are taken again");
    return status;
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
    response.set_resident_bytes(static_cast<uint64_t>(ResidentBytes()));
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
