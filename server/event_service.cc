#include <string>
#include <utility>

#include "mixmatch/v1/event_service.grpc.pb.h"
#include "proto/base/status_macros.h"
#include "server/event_groups.h"
#include "server/grpc_status.h"
#include "server/services.h"
#include "server/validation.h"

namespace mixmatch::server {
namespace {

class EventServiceImpl final : public v1::EventService::Service {
 public:
  explicit EventServiceImpl(Core& core) : core_(core) {}

  grpc::Status Link(grpc::ServerContext*, const v1::LinkRequest* request, v1::LinkResponse* response) override {
    auto event = core_.events->Link(*request);
    if (event.ok()) *response->mutable_event() = *std::move(event);
    return ToGrpc(event.status());
  }

  grpc::Status Unlink(grpc::ServerContext*, const v1::UnlinkRequest* request, v1::UnlinkResponse* response) override {
    auto event = core_.events->Unlink(*request);
    if (event.ok()) *response->mutable_event() = *std::move(event);
    return ToGrpc(event.status());
  }

  grpc::Status Get(grpc::ServerContext*, const v1::EventServiceGetRequest* request,
                   v1::EventServiceGetResponse* response) override {
    auto record = core_.store->GetEvent(request->event_id());
    if (absl::IsNotFound(record.status())) {
      return ToGrpc(absl::NotFoundError("event_id: no such event; EventService.List shows those there are"));
    }
    if (record.ok()) *response->mutable_event() = std::move(*record->mutable_event());
    return ToGrpc(record.status());
  }

  grpc::Status List(grpc::ServerContext*, const v1::EventServiceListRequest* request,
                    v1::EventServiceListResponse* response) override {
    return ToGrpc(request->item_id() != 0 ? ListOfItem(*request, *response) : ListAll(*request, *response));
  }

 private:
  absl::Status ListAll(const v1::EventServiceListRequest& request, v1::EventServiceListResponse& response) {
    MIXMATCH_ASSIGN_OR_RETURN(const int page_size, PageSize(request.page_size()));
    return core_.store->ForEachEvent(request.page_token(), [&](const storage::v1::EventRecord& record) {
      if (response.events_size() == page_size) {
        response.set_next_page_token(record.event().event_id());
        return false;
      }
      *response.add_events() = record.event();
      return true;
    });
  }

  absl::Status ListOfItem(const v1::EventServiceListRequest& request, v1::EventServiceListResponse& response) {
    MIXMATCH_ASSIGN_OR_RETURN(const int page_size, PageSize(request.page_size()));
    MIXMATCH_ASSIGN_OR_RETURN(const auto ids, core_.store->GetEventIds(request.item_id()));
    for (const std::string& id : ids) {
      if (id < request.page_token()) continue;
      if (response.events_size() == page_size) {
        response.set_next_page_token(id);
        break;
      }
      const auto record = core_.store->GetEvent(id);
      if (absl::IsNotFound(record.status())) continue;
      MIXMATCH_RETURN_IF_ERROR(record.status());
      *response.add_events() = record->event();
    }
    return absl::OkStatus();
  }

  Core& core_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeEventService(Core& core) { return std::make_unique<EventServiceImpl>(core); }

}  // namespace mixmatch::server
