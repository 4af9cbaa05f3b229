#include <algorithm>
#include <string>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "mixmatch/v1/item_service.grpc.pb.h"
#include "proto/base/status_macros.h"
#include "server/answer_watch.h"
#include "server/item_filter.h"
#include "server/services.h"
#include "server/validation.h"

namespace mixmatch::server {
namespace {

constexpr size_t kMostChunk = 2 << 20;
constexpr size_t kDownloadChunk = 1 << 20;

class ItemServiceImpl final : public v1::ItemService::Service {
 public:
  ItemServiceImpl(Core& core, FrontDoor& door) : core_(core), door_(door) {}

  grpc::Status Upload(grpc::ServerContext* context, grpc::ServerReader<v1::UploadRequest>* reader,
                      v1::UploadResponse* response) override {
    return door_.Handle(*context, "ItemService/Upload", [&](const Caller& caller) {
      return DoUpload(*context, caller, *reader, *response);
    });
  }

  grpc::Status Live(grpc::ServerContext* context,
                    grpc::ServerReaderWriter<v1::LiveResponse, v1::LiveRequest>* stream) override {
    return door_.Handle(*context, "ItemService/Live",
                        [&](const Caller& caller) { return DoLive(*context, caller, *stream); });
  }

  grpc::Status GetUpload(grpc::ServerContext* context, const v1::GetUploadRequest* request,
                         v1::GetUploadResponse* response) override {
    return door_.Handle(*context, "ItemService/GetUpload",
                        [&](const Caller&) { return DoGetUpload(request->request_id(), *response); });
  }

  grpc::Status Get(grpc::ServerContext* context, const v1::ItemServiceGetRequest* request,
                   v1::ItemServiceGetResponse* response) override {
    return door_.Handle(*context, "ItemService/Get",
                        [&](const Caller&) { return DoGet(*request, *response->mutable_item()); });
  }

  grpc::Status List(grpc::ServerContext* context, const v1::ItemServiceListRequest* request,
                    v1::ItemServiceListResponse* response) override {
    return door_.Handle(*context, "ItemService/List", [&](const Caller&) { return DoList(*request, *response); });
  }

  grpc::Status Delete(grpc::ServerContext* context, const v1::ItemServiceDeleteRequest* request,
                      v1::ItemServiceDeleteResponse*) override {
    return door_.Handle(*context, "ItemService/Delete", [&](const Caller& caller) {
      caller.subject = absl::StrCat("item ", request->item_id());
      return core_.events->DeleteItem(request->item_id());
    });
  }

  grpc::Status Download(grpc::ServerContext* context, const v1::DownloadRequest* request,
                        grpc::ServerWriter<v1::DownloadResponse>* writer) override {
    return door_.Handle(*context, "ItemService/Download",
                        [&](const Caller&) { return DoDownload(*context, *request, *writer); });
  }

  grpc::Status UpdateMetadata(grpc::ServerContext* context, const v1::UpdateMetadataRequest* request,
                              v1::UpdateMetadataResponse* response) override {
    return door_.Handle(*context, "ItemService/UpdateMetadata", [&](const Caller& caller) {
      caller.subject = absl::StrCat("item ", request->item_id());
      auto item = core_.events->UpdateItem(*request);
      if (item.ok()) *response->mutable_item() = *std::move(item);
      return item.status();
    });
  }

 private:
  // RESOURCE_EXHAUSTED: the user may not upload as much.
  static absl::Status Allow(const Caller& caller, uint64_t bytes, bool at_once) {
    return caller.allowance == nullptr ? absl::OkStatus() : caller.allowance->Upload(bytes, at_once);
  }

  absl::Status DoUpload(grpc::ServerContext& context, const Caller& caller,
                        grpc::ServerReader<v1::UploadRequest>& reader, v1::UploadResponse& response) {
    v1::UploadRequest message;
    if (!reader.Read(&message) || !message.has_header()) {
      return absl::InvalidArgumentError("upload: the first message must be a header");
    }
    MIXMATCH_RETURN_IF_ERROR(CheckHeader(message.header()));
    MIXMATCH_ASSIGN_OR_RETURN(const auto answered, core_.ingest->Answered(message.header().request_id()));
    if (answered != nullptr) {
      *response.mutable_item() = answered->item();
      response.set_repeated_request(true);
      return absl::OkStatus();
    }
    MIXMATCH_ASSIGN_OR_RETURN(const auto upload, core_.ingest->Begin(message.header(), caller.principal));
    // Another call with this id may have ended between the two lines above; from Begin on there is none.
    MIXMATCH_ASSIGN_OR_RETURN(const auto meanwhile, core_.ingest->Answered(message.header().request_id()));
    if (meanwhile != nullptr) {
      *response.mutable_item() = meanwhile->item();
      response.set_repeated_request(true);
      return absl::OkStatus();
    }
    while (reader.Read(&message)) {
      switch (message.message_case()) {
        case v1::UploadRequest::kChunk:
          if (message.chunk().size() > kMostChunk) {
            return absl::InvalidArgumentError(
                absl::StrCat("chunk: got ", message.chunk().size(), " bytes, wanted at most ", kMostChunk));
          }
          MIXMATCH_RETURN_IF_ERROR(Allow(caller, message.chunk().size(), /*at_once=*/false));
          MIXMATCH_RETURN_IF_ERROR(upload->Append(message.chunk()));
          break;
        case v1::UploadRequest::kFinish: {
          MIXMATCH_ASSIGN_OR_RETURN(*response.mutable_item(), upload->Finish(message.finish().sha256()));
          caller.subject = absl::StrCat("item ", response.item().item_id());
          return absl::OkStatus();
        }
        default:
          return absl::InvalidArgumentError("upload: after the header come chunks, then a finish");
      }
    }
    if (context.IsCancelled()) return absl::CancelledError("upload: the client ended the call");
    return absl::InvalidArgumentError(
        "upload: the stream ended without a finish; nothing was stored. With a request id it can be resumed");
  }

  absl::Status DoLive(grpc::ServerContext& context, const Caller& caller,
                      grpc::ServerReaderWriter<v1::LiveResponse, v1::LiveRequest>& stream) {
    v1::LiveRequest message;
    if (!stream.Read(&message) || !message.has_header()) {
      return absl::InvalidArgumentError("live: the first message must be a header");
    }
    AnswerWatch answers(absl::Seconds(core_.options.live.answer_seconds), [&] { context.TryCancel(); });
    MIXMATCH_ASSIGN_OR_RETURN(
        const auto live, core_.live_ingest->Begin(
                             message.header(), caller.principal,
                             [&](const v1::LiveResponse& response) { answers.Watch([&] { stream.Write(response); }); },
                             [&] { context.TryCancel(); }));
    absl::Status wrong;
    while (wrong.ok() && stream.Read(&message)) {
      if (message.has_end()) return live->End(/*whole=*/true).status();
      wrong = Allow(caller, message.chunk().size(), /*at_once=*/true);
      if (!wrong.ok()) break;
      if (!message.has_chunk() || message.chunk().size() > kMostChunk) {
        wrong = absl::InvalidArgumentError(absl::StrCat("live: after the header come chunks of at most ", kMostChunk,
                                                        " bytes, then an end"));
      } else if (core_.stopping) {
        wrong = absl::UnavailableError("live: the server is ending; begin a new stream soon");
      } else {
        wrong = live->Append(message.chunk());
      }
    }
    const absl::Status ended = live->End(/*whole=*/false).status();
    MIXMATCH_RETURN_IF_ERROR(wrong);
    MIXMATCH_RETURN_IF_ERROR(ended);
    if (answers.expired()) {
      return absl::DeadlineExceededError("live: the client read no answer for --live-answer-seconds; read while sending");
    }
    if (context.IsCancelled()) return absl::CancelledError("live: the client ended the call");
    return absl::InvalidArgumentError("live: the stream ended without an end; what was told is stored");
  }

  absl::Status DoGetUpload(const std::string& request_id, v1::GetUploadResponse& response) {
    MIXMATCH_ASSIGN_OR_RETURN(const auto answered, core_.ingest->Answered(request_id));
    if (answered != nullptr) {
      *response.mutable_item() = answered->item();
      response.set_received_bytes(answered->item().size_bytes());
      return absl::OkStatus();
    }
    const auto received = core_.ingest->ReceivedBytes(request_id);
    if (absl::IsNotFound(received.status())) {
      return absl::NotFoundError("request_id: no upload with it; begin at offset 0");
    }
    MIXMATCH_RETURN_IF_ERROR(received.status());
    response.set_received_bytes(*received);
    return absl::OkStatus();
  }

  absl::Status DoGet(const v1::ItemServiceGetRequest& request, v1::Item& item) {
    const auto record = core_.catalog.Get(request.item_id());
    if (record == nullptr) return absl::NotFoundError(absl::StrCat("item_id: no item ", request.item_id()));
    item = record->item();
    if (!request.include_parts() && !request.include_vectors()) return absl::OkStatus();
    const std::shared_ptr<const Serving> serving = core_.live->Current();
    MIXMATCH_ASSIGN_OR_RETURN(const auto parts, core_.store->GetParts(request.item_id()));
    for (const auto& stored : parts) {
      v1::Part& part = *item.add_parts();
      part = stored.part();
      part.set_generation(serving->generation);
      for (const auto& slot : serving->slots) {
        if (!request.include_vectors()) break;
        const auto vector = slot->Get(part.part_id());
        if (vector.ok()) part.mutable_vector()->Assign(vector->begin(), vector->end());
      }
    }
    return absl::OkStatus();
  }

  absl::Status DoList(const v1::ItemServiceListRequest& request, v1::ItemServiceListResponse& response) {
    MIXMATCH_ASSIGN_OR_RETURN(const int page_size, PageSize(request.page_size()));
    MIXMATCH_ASSIGN_OR_RETURN(uint64_t next, PageToken(request.page_token()));
    MIXMATCH_ASSIGN_OR_RETURN(const ItemPredicate predicate, CompileFilter(request.filter()));
    while (true) {
      const auto records = core_.catalog.From(next, 1000);
      if (records.empty()) return absl::OkStatus();
      for (const auto& record : records) {
        if (predicate && !predicate(record->item())) continue;
        if (response.items_size() == page_size) {
          response.set_next_page_token(absl::StrCat(record->item().item_id()));
          return absl::OkStatus();
        }
        *response.add_items() = record->item();
      }
      next = records.back()->item().item_id() + 1;
    }
  }

  absl::Status DoDownload(grpc::ServerContext& context, const v1::DownloadRequest& request,
                          grpc::ServerWriter<v1::DownloadResponse>& writer) {
    const auto record = core_.catalog.Get(request.item_id());
    if (record == nullptr) return absl::NotFoundError(absl::StrCat("item_id: no item ", request.item_id()));
    const uint64_t size = record->item().size_bytes();
    if (request.offset() > size) {
      return absl::OutOfRangeError(absl::StrCat("offset: got ", request.offset(), ", the item has ", size, " bytes"));
    }
    const uint64_t rest = size - request.offset();
    const uint64_t length = request.length() == 0 ? rest : std::min(request.length(), rest);
    v1::DownloadResponse response;
    bool gone = false;
    MIXMATCH_RETURN_IF_ERROR(
        core_.store->ReadContent(record->content_id(), request.offset(), length, [&](absl::string_view piece) {
          for (size_t at = 0; at < piece.size() && !gone; at += kDownloadChunk) {
            response.set_chunk(std::string(piece.substr(at, kDownloadChunk)));
            gone = context.IsCancelled() || !writer.Write(response);
          }
          return !gone;
        }));
    return gone ? absl::CancelledError("download: the client ended the call") : absl::OkStatus();
  }

  Core& core_;
  FrontDoor& door_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeItemService(Core& core, FrontDoor& door) {
  return std::make_unique<ItemServiceImpl>(core, door);
}

}  // namespace mixmatch::server
