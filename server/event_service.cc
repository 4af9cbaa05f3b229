#include <string>
#include <utility>

#include "mixmatch/v1/event_service.grpc.pb.h"
#include "proto/base/status_macros.h"
#include "server/event_groups.h"
#include "server/link_list.h"
#include "server/services.h"
#include "server/validation.h"

namespace mixmatch::server {
namespace {

class EventServiceImpl final : public v1::EventService::Service {
 public:
  EventServiceImpl(Core& core, FrontDoor& door) : core_(core), door_(door) {}

  grpc::Status Link(grpc::ServerContext* context, const v1::LinkRequest* request,
                    v1::LinkResponse* response) override {
    return door_.Handle(*context, "EventService/Link", [&](const Caller& caller) {
      auto event = core_.events->Link(*request, caller.principal);
      if (event.ok()) *response->mutable_event() = *std::move(event);
      return event.status();
    });
  }

  grpc::Status Unlink(grpc::ServerContext* context, const v1::UnlinkRequest* request,
                      v1::UnlinkResponse* response) override {
    return door_.Handle(*context, "EventService/Unlink", [&](const Caller&) {
      auto event = core_.events->Unlink(*request);
      if (event.ok()) *response->mutable_event() = *std::move(event);
      return event.status();
    });
  }

  grpc::Status Get(grpc::ServerContext* context, const v1::EventServiceGetRequest* request,
                   v1::EventServiceGetResponse* response) override {
    return door_.Handle(*context, "EventService/Get", [&](const Caller&) {
      auto record = core_.store->GetEvent(request->event_id());
      if (absl::IsNotFound(record.status()) || (record.ok() && record->event().members().empty())) {
        return absl::NotFoundError("event_id: no such event; EventService.List shows those there are");
      }
      if (record.ok()) *response->mutable_event() = std::move(*record->mutable_event());
      return record.status();
    });
  }

  grpc::Status List(grpc::ServerContext* context, const v1::EventServiceListRequest* request,
                    v1::EventServiceListResponse* response) override {
    return door_.Handle(*context, "EventService/List", [&](const Caller&) {
      return request->item_id() != 0 ? ListOfItem(*request, *response) : ListAll(*request, *response);
    });
  }

  grpc::Status ListLinks(grpc::ServerContext* context, const v1::ListLinksRequest* request,
                         v1::ListLinksResponse* response) override {
    return door_.Handle(*context, "EventService/ListLinks", [&](const Caller&) {
      return mixmatch::server::ListLinks(*core_.store, *request, *response);
    });
  }

  grpc::Status CorrectLink(grpc::ServerContext* context, const v1::CorrectLinkRequest* request,
                           v1::CorrectLinkResponse* response) override {
    return door_.Handle(*context, "EventService/CorrectLink", [&](const Caller&) {
      auto links = core_.events->CorrectLink(*request);
      if (links.ok()) response->mutable_links()->Assign(links->begin(), links->end());
      return links.status();
    });
  }

  grpc::Status HoldLinks(grpc::ServerContext* context, const v1::HoldLinksRequest* request,
                         v1::HoldLinksResponse* response) override {
    return door_.Handle(*context, "EventService/HoldLinks",
                        [&](const Caller&) { return Answer(core_.events->HoldLinks(*request), *response); });
  }

  grpc::Status ReleaseLinks(grpc::ServerContext* context, const v1::ReleaseLinksRequest* request,
                            v1::ReleaseLinksResponse* response) override {
    return door_.Handle(*context, "EventService/ReleaseLinks",
                        [&](const Caller&) { return Answer(core_.events->ReleaseLinks(*request), *response); });
  }

  grpc::Status RemoveLinks(grpc::ServerContext* context, const v1::RemoveLinksRequest* request,
                           v1::RemoveLinksResponse* response) override {
    return door_.Handle(*context, "EventService/RemoveLinks",
                        [&](const Caller&) { return Answer(core_.events->RemoveLinks(*request), *response); });
  }

 private:
  template <typename Response>
  static absl::Status Answer(absl::StatusOr<Response> result, Response& response) {
    if (result.ok()) response = *std::move(result);
    return result.status();
  }

  absl::Status ListAll(const v1::EventServiceListRequest& request, v1::EventServiceListResponse& response) {
    MIXMATCH_ASSIGN_OR_RETURN(const int page_size, PageSize(request.page_size()));
    return core_.store->ForEachEvent(request.page_token(), [&](const storage::v1::EventRecord& record) {
      if (record.event().members().empty()) return true;
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
  FrontDoor& door_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeEventService(Core& core, FrontDoor& door) {
  return std::make_unique<EventServiceImpl>(core, door);
}

}  // namespace mixmatch::server
