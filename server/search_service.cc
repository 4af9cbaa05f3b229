#include <atomic>
#include <chrono>
#include <mutex>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "mixmatch/v1/search_service.grpc.pb.h"
#include "proto/base/status_macros.h"
#include "server/grpc_status.h"
#include "server/services.h"

namespace mixmatch::server {
namespace {

// gRPC's own word from a server to a client that may retry (gRFC A6): milliseconds, or -1 for "do not".
constexpr char kPushback[] = "grpc-retry-pushback-ms";

// A call of gRPC as the rooms of the server see it. The context outlives it.
class Caller {
 public:
  explicit Caller(grpc::ServerContext* context) : context_(context) {
    call_.cancelled = [this] { return Cancelled(); };
    if (context->deadline() < std::chrono::system_clock::time_point::max()) {
      call_.deadline = absl::FromChrono(context->deadline());
    }
  }
  const SearchCall& call() const { return call_; }

  // Says in the trailing metadata whether and when a refused call may be tried again.
  grpc::Status Finish(const absl::Status& status) {
    if (absl::IsResourceExhausted(status)) {
      const int64_t ms = absl::ToInt64Milliseconds(SearchGate::RetryAfter(status));
      context_->AddTrailingMetadata(kPushback, absl::StrCat(ms > 0 ? ms : -1));
    }
    return ToGrpc(status);
  }

 private:
  // gRPC bounds how many threads may ask at once: one does, the others take the last answer.
  bool Cancelled() {
    const std::unique_lock<std::mutex> lock(mutex_, std::try_to_lock);
    if (lock.owns_lock() && !cancelled_ && context_->IsCancelled()) cancelled_ = true;
    return cancelled_;
  }

  grpc::ServerContext* const context_;
  std::mutex mutex_;
  std::atomic<bool> cancelled_{false};
  SearchCall call_;
};

class SearchServiceImpl final : public v1::SearchService::Service {
 public:
  explicit SearchServiceImpl(Core& core) : core_(core) {}

  grpc::Status Search(grpc::ServerContext* context, const v1::SearchRequest* request,
                      v1::SearchResponse* response) override {
    Caller caller(context);
    auto found = core_.queries->Search(*request, nullptr, caller.call());
    if (found.ok()) *response = *std::move(found);
    return caller.Finish(found.status());
  }

  grpc::Status StreamSearch(grpc::ServerContext* context, grpc::ServerReader<v1::StreamSearchRequest>* reader,
                            v1::StreamSearchResponse* response) override {
    Caller caller(context);
    return caller.Finish(DoStreamSearch(*reader, caller.call(), *response->mutable_response()));
  }

  grpc::Status BatchSearch(grpc::ServerContext* context, const v1::BatchSearchRequest* request,
                           grpc::ServerWriter<v1::BatchSearchResponse>* writer) override {
    Caller caller(context);
    const auto write = [&](size_t place, absl::StatusOr<v1::SearchResponse> found) {
      v1::BatchSearchResponse response;
      response.set_index(static_cast<uint32_t>(place));
      if (found.ok()) {
        *response.mutable_response() = *std::move(found);
      } else {
        response.mutable_error()->set_code(static_cast<int32_t>(found.status().code()));
        response.mutable_error()->set_message(std::string(found.status().message()));
      }
      return writer->Write(response);
    };
    return caller.Finish(core_.queries->BatchSearch(*request, caller.call(), write));
  }

 private:
  absl::Status DoStreamSearch(grpc::ServerReader<v1::StreamSearchRequest>& reader, const SearchCall& call,
                              v1::SearchResponse& response) {
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
    MIXMATCH_ASSIGN_OR_RETURN(response, core_.queries->Search(request, content.empty() ? nullptr : &content, call));
    return absl::OkStatus();
  }

  Core& core_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeSearchService(Core& core) { return std::make_unique<SearchServiceImpl>(core); }

}  // namespace mixmatch::server
