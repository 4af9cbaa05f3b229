#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "mixmatch/v1/search_service.grpc.pb.h"
#include "proto/base/status_macros.h"
#include "server/grpc_status.h"
#include "server/services.h"

namespace mixmatch::server {
namespace {

class SearchServiceImpl final : public v1::SearchService::Service {
 public:
  explicit SearchServiceImpl(Core& core) : core_(core) {}

  grpc::Status Search(grpc::ServerContext*, const v1::SearchRequest* request, v1::SearchResponse* response) override {
    auto found = core_.queries->Search(*request, nullptr);
    if (found.ok()) *response = *std::move(found);
    return ToGrpc(found.status());
  }

  grpc::Status StreamSearch(grpc::ServerContext*, grpc::ServerReader<v1::StreamSearchRequest>* reader,
                            v1::StreamSearchResponse* response) override {
    return ToGrpc(DoStreamSearch(*reader, *response->mutable_response()));
  }

 private:
  absl::Status DoStreamSearch(grpc::ServerReader<v1::StreamSearchRequest>& reader, v1::SearchResponse& response) {
    v1::StreamSearchRequest message;
    if (!reader.Read(&message) || !message.has_request()) {
      return absl::InvalidArgumentError("stream search: the first message must be the request");
    }
    const v1::SearchRequest request = std::move(*message.mutable_request());
    std::string content;
    while (reader.Read(&message)) {
      if (message.message_case() != v1::StreamSearchRequest::kChunk) {
        return absl::InvalidArgumentError("stream search: after the request come chunks of content");
      }
      if (static_cast<int64_t>(content.size() + message.chunk().size()) > core_.options.limits.max_query_bytes) {
        return absl::ResourceExhaustedError(absl::StrCat("content: larger than ", core_.options.limits.max_query_bytes,
                                                         " bytes; raise the server's --max-query-bytes"));
      }
      content += message.chunk();
    }
    if (content.empty() && request.query().empty()) {
      return absl::InvalidArgumentError("content: got 0 bytes, wanted at least 1");
    }
    MIXMATCH_ASSIGN_OR_RETURN(response, core_.queries->Search(request, content.empty() ? nullptr : &content));
    return absl::OkStatus();
  }

  Core& core_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeSearchService(Core& core) { return std::make_unique<SearchServiceImpl>(core); }

}  // namespace mixmatch::server
