#include <algorithm>
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
#include "server/services.h"

namespace mixmatch::server {
namespace {

constexpr absl::Duration kLook = absl::Milliseconds(5);
constexpr size_t kFullMessage = 256 << 10;  // Bytes of answers in a message to which no more are added.

// A call of gRPC as the rooms of the server see it. The context outlives it.
class WatchedCall {
 public:
  explicit WatchedCall(grpc::ServerContext* context) : context_(context) {
    call_.cancelled = [this] { return Cancelled(); };
    if (context->deadline() < std::chrono::system_clock::time_point::max()) {
      call_.deadline = absl::FromChrono(context->deadline());
    }
  }
  const SearchCall& call() const { return call_; }

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
  SearchServiceImpl(Core& core, FrontDoor& door) : core_(core), door_(door) {}

  grpc::Status Search(grpc::ServerContext* context, const v1::SearchRequest* request,
                      v1::SearchResponse* response) override {
    return door_.Handle(*context, "SearchService/Search", [&](const Caller&) {
      WatchedCall watched(context);
      auto found = core_.queries->Search(*request, nullptr, watched.call());
      if (found.ok()) *response = *std::move(found);
      return found.status();
    });
  }

  grpc::Status StreamSearch(grpc::ServerContext* context, grpc::ServerReader<v1::StreamSearchRequest>* reader,
                            v1::StreamSearchResponse* response) override {
    return door_.Handle(*context, "SearchService/StreamSearch", [&](const Caller&) {
      WatchedCall watched(context);
      return DoStreamSearch(*reader, watched.call(), *response->mutable_response());
    });
  }

  grpc::Status BatchSearch(grpc::ServerContext* context, const v1::BatchSearchRequest* request,
                           grpc::ServerWriter<v1::BatchSearchResponse>* writer) override {
    return door_.Handle(*context, "SearchService/BatchSearch", [&](const Caller& caller) {
      if (caller.allowance != nullptr) caller.allowance->AlsoRequests(std::max(0, request->searches_size() - 1));
      WatchedCall watched(context);
      return core_.queries->BatchSearch(*request, watched.call(), [&](std::vector<QueryEngine::Answered> ready) {
        return Write(*request, std::move(ready), *writer);
      });
    });
  }

 private:
  // Some answers, in as few messages as the client takes. False: the client is gone.
  static bool Write(const v1::BatchSearchRequest& request, std::vector<QueryEngine::Answered> ready,
                    grpc::ServerWriter<v1::BatchSearchResponse>& writer) {
    v1::BatchSearchResponse message;
    size_t bytes = 0;
    bool is_first = true;
    for (QueryEngine::Answered& answered : ready) {
      if (!is_first && (!request.together() || bytes > kFullMessage)) {
        if (!writer.Write(message)) return false;
        message.Clear();
        bytes = 0;
        is_first = true;
      }
      v1::BatchSearchResponse& one = is_first ? message : *message.add_more();
      FillOne(std::move(answered), one);
      if (request.together()) bytes += one.ByteSizeLong();
      is_first = false;
    }
    return writer.Write(message);
  }

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
  FrontDoor& door_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeSearchService(Core& core, FrontDoor& door) {
  return std::make_unique<SearchServiceImpl>(core, door);
}

}  // namespace mixmatch::server
