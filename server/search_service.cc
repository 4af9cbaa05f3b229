#include <atomic>
#include <chrono>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "mixmatch/v1/search_service.grpc.pb.h"
#include "proto/base/status_macros.h"
#include "server/grpc_status.h"
#include "server/services.h"

namespace mixmatch::server {
namespace {

// gRPC's own word from a server to a client that may retry (gRFC A6): milliseconds, or -1 for "do not".
constexpr char kPushback[] = "grpc-retry-pushback-ms";

constexpr absl::Duration kLook = absl::Milliseconds(5);
constexpr size_t kFullMessage = 256 << 10;  // Bytes of answers in a message to which no more are added.

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
  // gRPC bounds how many threads may ask at once: one does, the others take the last answer. It waits for a poll each
  // time, which takes longer than a short search: so it is not asked more often than calls need to be noticed.
  bool Cancelled() {
    const std::unique_lock<std::mutex> lock(mutex_, std::try_to_lock);
    if (!lock.owns_lock() || cancelled_ || absl::Now() < next_look_) return cancelled_;
    cancelled_ = context_->IsCancelled();
    next_look_ = absl::Now() + kLook;
    return cancelled_;
  }

  grpc::ServerContext* const context_;
  std::mutex mutex_;
  absl::Time next_look_ = absl::Now() + kLook;
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
    const auto write = [&](std::vector<QueryEngine::Answered> ready) {
      v1::BatchSearchResponse message;
      size_t bytes = 0;
      bool is_first = true;
      for (QueryEngine::Answered& answered : ready) {
        if (!is_first && (!request->together() || bytes > kFullMessage)) {
          if (!writer->Write(message)) return false;
          message.Clear();
          bytes = 0;
          is_first = true;
        }
        v1::BatchSearchResponse& one = is_first ? message : *message.add_more();
        FillOne(std::move(answered), one);
        if (request->together()) bytes += one.ByteSizeLong();
        is_first = false;
      }
      return writer->Write(message);
    };
    return caller.Finish(core_.queries->BatchSearch(*request, caller.call(), write));
  }

 private:
  static void FillOne(QueryEngine::Answered answered, v1::BatchSearchResponse& to) {
    to.set_index(static_cast<uint32_t>(answered.place));
    if (answered.response.ok()) {
      *to.mutable_response() = *std::move(answered.response);
      return;
    }
    const absl::Status& status = answered.response.status();
    to.mutable_error()->set_code(static_cast<int32_t>(status.code()));
    to.mutable_error()->set_message(std::string(status.message()));
  }

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
