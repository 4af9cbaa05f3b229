#include "client/cpp/client.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <random>
#include <sstream>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "google/protobuf/util/time_util.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "mixmatch/v1/access_service.grpc.pb.h"
#include "mixmatch/v1/admin_service.grpc.pb.h"
#include "mixmatch/v1/event_service.grpc.pb.h"
#include "mixmatch/v1/item_service.grpc.pb.h"
#include "mixmatch/v1/learning_service.grpc.pb.h"
#include "mixmatch/v1/search_service.grpc.pb.h"
#include "proto/base/sha256.h"
#include "proto/base/status_macros.h"

namespace mixmatch::client {
namespace {

using google::protobuf::util::TimeUtil;

constexpr size_t kChunkBytes = 512 * 1024;
constexpr absl::Duration kBetweenTries = absl::Milliseconds(300);
constexpr size_t kBatchSearches = 256;       // The server's default of --max-batch-queries.
constexpr size_t kBatchBytes = 4 << 20;      // Well below the 8 MiB that a server takes in one message.
constexpr int kRetryBufferBytes = 16 << 20;  // Requests up to this size are kept for another try.

// gRPC tries a refused search again by itself, when the server's pushback says or else after these times.
std::string ServiceConfig(int search_tries) {
  return absl::StrFormat(
      R"({"methodConfig": [{"name": [{"service": "mixmatch.v1.SearchService"}], "retryPolicy": {"maxAttempts": %d,)"
      R"( "initialBackoff": "0.05s", "maxBackoff": "2s", "backoffMultiplier": 2,)"
      R"( "retryableStatusCodes": ["RESOURCE_EXHAUSTED"]}}]})",
      search_tries);
}

absl::Status ToAbsl(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

absl::Status NotByThisClient(absl::string_view call) {
  return absl::UnimplementedError(absl::StrCat(call, ": not by this client"));
}

// 128 random bits; names a request, guards nothing.
std::string NewRequestId() {
  std::random_device device;
  return absl::StrFormat("%08x%08x%08x%08x", device(), device(), device(), device());
}

class GrpcClient final : public Client {
 public:
  GrpcClient(const ClientOptions& options, const std::shared_ptr<grpc::Channel>& channel)
      : options_(options),
        items_(v1::ItemService::NewStub(channel)),
        events_(v1::EventService::NewStub(channel)),
        searches_(v1::SearchService::NewStub(channel)),
        learning_(v1::LearningService::NewStub(channel)),
        admin_(v1::AdminService::NewStub(channel)),
        health_(grpc::health::v1::Health::NewStub(channel)),
        access_(v1::AccessService::NewStub(channel)) {}

  absl::StatusOr<v1::Item> Live(const v1::UploadHeader& header, const std::function<std::string()>& read,
                                const std::function<void(const v1::LiveResponse&)>& hear) override {
    grpc::ClientContext context;
    context.set_wait_for_ready(false);
    const auto stream = items_->Live(&context);
    v1::LiveRequest message;
    *message.mutable_header() = header;
    bool open = stream->Write(message);
    v1::Item item;
    std::string reason;
    std::atomic<bool> cut{false};
    std::thread hearing([&] {
      v1::LiveResponse response;
      while (stream->Read(&response)) {
        if (response.has_item()) item = response.item();
        hear(response);
        if (response.cut_reason().empty()) continue;
        reason = response.cut_reason();
        cut = true;
        context.TryCancel();  // The writing end may be waiting.
      }
    });
    while (open && !cut) {
      std::string bytes = read();
      const bool end = bytes.empty();
      if (end) {
        message.mutable_end();
      } else {
        message.set_chunk(std::move(bytes));
      }
      open = stream->Write(message);
      if (end) break;
    }
    stream->WritesDone();
    hearing.join();
    const absl::Status status = ToAbsl(stream->Finish());
    if (!reason.empty()) return absl::AbortedError(absl::StrCat("the stream was cut: ", reason));
    MIXMATCH_RETURN_IF_ERROR(status);
    return item;
  }

  absl::StatusOr<v1::UploadResponse> Upload(v1::UploadHeader header, std::istream& content,
                                            const std::function<void(uint64_t)>& progress) override {
    if (header.request_id().empty()) header.set_request_id(NewRequestId());
    const std::istream::pos_type begin = content.tellg();
    const bool seekable = begin != std::istream::pos_type(-1);
    content.clear();
    for (int left = options_.upload_tries;; --left) {
      auto response = UploadOnce(header, content, progress);
      const bool again = absl::IsUnavailable(response.status()) || absl::IsAborted(response.status());
      if (response.ok() || !again || left <= 1 || !seekable) return response;
      absl::SleepFor(kBetweenTries);
      v1::GetUploadRequest request;
      request.set_request_id(header.request_id());
      const auto known = Call(&v1::ItemService::Stub::GetUpload, *items_, request, v1::GetUploadResponse());
      header.set_resume_offset(known.ok() ? known->received_bytes() : 0);
      content.clear();
      content.seekg(begin);
    }
  }

  absl::StatusOr<v1::Item> Get(uint64_t item_id, bool parts, bool vectors) override {
    v1::ItemServiceGetRequest request;
    request.set_item_id(item_id);
    request.set_include_parts(parts);
    request.set_include_vectors(vectors);
    MIXMATCH_ASSIGN_OR_RETURN(auto response,
                              Call(&v1::ItemService::Stub::Get, *items_, request, v1::ItemServiceGetResponse()));
    return std::move(*response.mutable_item());
  }

  absl::StatusOr<v1::ItemServiceListResponse> List(const v1::ItemServiceListRequest& request) override {
    return Call(&v1::ItemService::Stub::List, *items_, request, v1::ItemServiceListResponse());
  }

  absl::Status Delete(uint64_t item_id) override {
    v1::ItemServiceDeleteRequest request;
    request.set_item_id(item_id);
    return Call(&v1::ItemService::Stub::Delete, *items_, request, v1::ItemServiceDeleteResponse()).status();
  }

  absl::Status Download(const v1::DownloadRequest& request,
                        const std::function<void(absl::string_view)>& write) override {
    grpc::ClientContext context;
    SetDeadline(context);
    const auto reader = items_->Download(&context, request);
    v1::DownloadResponse response;
    while (reader->Read(&response)) write(response.chunk());
    return ToAbsl(reader->Finish());
  }

  absl::StatusOr<v1::Item> UpdateMetadata(const v1::UpdateMetadataRequest& request) override {
    MIXMATCH_ASSIGN_OR_RETURN(
        auto response, Call(&v1::ItemService::Stub::UpdateMetadata, *items_, request, v1::UpdateMetadataResponse()));
    return std::move(*response.mutable_item());
  }

  absl::StatusOr<v1::Event> Link(const v1::LinkRequest& request) override {
    MIXMATCH_ASSIGN_OR_RETURN(auto response,
                              Call(&v1::EventService::Stub::Link, *events_, request, v1::LinkResponse()));
    return std::move(*response.mutable_event());
  }

  absl::StatusOr<v1::Event> Unlink(const v1::UnlinkRequest& request) override {
    MIXMATCH_ASSIGN_OR_RETURN(auto response,
                              Call(&v1::EventService::Stub::Unlink, *events_, request, v1::UnlinkResponse()));
    return std::move(*response.mutable_event());
  }

  absl::StatusOr<v1::Event> GetEvent(const std::string& event_id) override {
    v1::EventServiceGetRequest request;
    request.set_event_id(event_id);
    MIXMATCH_ASSIGN_OR_RETURN(auto response,
                              Call(&v1::EventService::Stub::Get, *events_, request, v1::EventServiceGetResponse()));
    return std::move(*response.mutable_event());
  }

  absl::StatusOr<v1::EventServiceListResponse> ListEvents(const v1::EventServiceListRequest& request) override {
    return Call(&v1::EventService::Stub::List, *events_, request, v1::EventServiceListResponse());
  }

  absl::StatusOr<v1::ListLinksResponse> ListLinks(const v1::ListLinksRequest& request) override {
    return Call(&v1::EventService::Stub::ListLinks, *events_, request, v1::ListLinksResponse());
  }

  absl::StatusOr<v1::CorrectLinkResponse> CorrectLink(const v1::CorrectLinkRequest& request) override {
    return Call(&v1::EventService::Stub::CorrectLink, *events_, request, v1::CorrectLinkResponse());
  }

  absl::StatusOr<v1::HoldLinksResponse> HoldLinks(const v1::HoldLinksRequest& request) override {
    return Call(&v1::EventService::Stub::HoldLinks, *events_, request, v1::HoldLinksResponse());
  }

  absl::StatusOr<v1::ReleaseLinksResponse> ReleaseLinks(const v1::ReleaseLinksRequest& request) override {
    return Call(&v1::EventService::Stub::ReleaseLinks, *events_, request, v1::ReleaseLinksResponse());
  }

  absl::StatusOr<v1::RemoveLinksResponse> RemoveLinks(const v1::RemoveLinksRequest& request) override {
    return Call(&v1::EventService::Stub::RemoveLinks, *events_, request, v1::RemoveLinksResponse());
  }

  absl::StatusOr<v1::SearchResponse> Search(const v1::SearchRequest& request, const std::string& large) override {
    if (large.empty()) return Call(&v1::SearchService::Stub::Search, *searches_, request, v1::SearchResponse());
    grpc::ClientContext context;
    SetDeadline(context);
    v1::StreamSearchResponse response;
    const auto writer = searches_->StreamSearch(&context, &response);
    v1::StreamSearchRequest message;
    *message.mutable_request() = request;
    bool open = writer->Write(message);
    for (size_t at = 0; open && at < large.size(); at += kChunkBytes) {
      message.set_chunk(large.substr(at, kChunkBytes));
      open = writer->Write(message);
    }
    writer->WritesDone();
    MIXMATCH_RETURN_IF_ERROR(ToAbsl(writer->Finish()));
    return std::move(*response.mutable_response());
  }

  absl::Status BatchSearch(absl::Span<const v1::SearchRequest> searches, const BatchAnswer& answer) override {
    for (size_t first = 0; first < searches.size();) {
      v1::BatchSearchRequest request;
      request.set_together(true);
      size_t bytes = 0, next = first;
      while (next < searches.size() && next - first < kBatchSearches) {
        bytes += searches[next].ByteSizeLong();
        if (next > first && bytes > kBatchBytes) break;
        *request.add_searches() = searches[next++];
      }
      MIXMATCH_RETURN_IF_ERROR(OneBatch(request, first, answer));
      first = next;
    }
    return absl::OkStatus();
  }

  absl::StatusOr<v1::LearningStatus> LearningStatus() override {
    return StatusOf(Call(&v1::LearningService::Stub::Status, *learning_, v1::StatusRequest(), v1::StatusResponse()));
  }
  absl::StatusOr<v1::LearningStatus> PauseLearning() override {
    return StatusOf(Call(&v1::LearningService::Stub::Pause, *learning_, v1::PauseRequest(), v1::PauseResponse()));
  }
  absl::StatusOr<v1::LearningStatus> ResumeLearning() override {
    return StatusOf(Call(&v1::LearningService::Stub::Resume, *learning_, v1::ResumeRequest(), v1::ResumeResponse()));
  }
  absl::StatusOr<v1::LearningStatus> RollBack(uint64_t trunk) override {
    v1::RollbackRequest request;
    request.set_trunk(trunk);
    return StatusOf(Call(&v1::LearningService::Stub::Rollback, *learning_, request, v1::RollbackResponse()));
  }
  absl::StatusOr<v1::LearningStatus> PinTrunk(bool pinned) override {
    v1::PinTrunkRequest request;
    request.set_pinned(pinned);
    return StatusOf(Call(&v1::LearningService::Stub::PinTrunk, *learning_, request, v1::PinTrunkResponse()));
  }
  absl::StatusOr<v1::CompareTrunksResponse> CompareTrunks(const v1::CompareTrunksRequest& request) override {
    return Call(&v1::LearningService::Stub::CompareTrunks, *learning_, request, v1::CompareTrunksResponse());
  }
  absl::StatusOr<v1::HistoryResponse> LearningHistory() override {
    return Call(&v1::LearningService::Stub::History, *learning_, v1::HistoryRequest(), v1::HistoryResponse());
  }

  absl::Status WatchLearning(absl::Duration interval,
                             const std::function<bool(const v1::LearningStatus&)>& visit) override {
    grpc::ClientContext context;  // No deadline: it goes on until it is enough.
    v1::WatchRequest request;
    *request.mutable_interval() = TimeUtil::MillisecondsToDuration(absl::ToInt64Milliseconds(interval));
    const auto reader = learning_->Watch(&context, request);
    v1::WatchResponse response;
    while (reader->Read(&response)) {
      if (visit(response.status())) continue;
      context.TryCancel();
      reader->Finish();
      return absl::OkStatus();
    }
    return ToAbsl(reader->Finish());
  }

  absl::Status CheckHealth(const std::string& service) override {
    grpc::health::v1::HealthCheckRequest request;
    request.set_service(service);
    MIXMATCH_ASSIGN_OR_RETURN(
        const auto response,
        Call(&grpc::health::v1::Health::Stub::Check, *health_, request, grpc::health::v1::HealthCheckResponse()));
    if (response.status() == grpc::health::v1::HealthCheckResponse::SERVING) return absl::OkStatus();
    return absl::UnavailableError("the server is there, but takes no calls: it starts or drains");
  }

  absl::StatusOr<v1::WhoAmIResponse> WhoAmI() override {
    return Call(&v1::AccessService::Stub::WhoAmI, *access_, v1::WhoAmIRequest(), v1::WhoAmIResponse());
  }
  absl::StatusOr<v1::User> PutUser(const v1::User& user) override {
    v1::PutUserRequest request;
    *request.mutable_user() = user;
    MIXMATCH_ASSIGN_OR_RETURN(auto response,
                              Call(&v1::AccessService::Stub::PutUser, *access_, request, v1::PutUserResponse()));
    return std::move(*response.mutable_user());
  }
  absl::StatusOr<v1::ListUsersResponse> ListUsers(const v1::ListUsersRequest& request) override {
    return Call(&v1::AccessService::Stub::ListUsers, *access_, request, v1::ListUsersResponse());
  }
  absl::Status DeleteUser(const std::string& name) override {
    v1::DeleteUserRequest request;
    request.set_name(name);
    return Call(&v1::AccessService::Stub::DeleteUser, *access_, request, v1::DeleteUserResponse()).status();
  }
  absl::StatusOr<v1::CreateTokenResponse> CreateToken(const v1::CreateTokenRequest& request) override {
    return Call(&v1::AccessService::Stub::CreateToken, *access_, request, v1::CreateTokenResponse());
  }
  absl::StatusOr<v1::ListTokensResponse> ListTokens(const v1::ListTokensRequest& request) override {
    return Call(&v1::AccessService::Stub::ListTokens, *access_, request, v1::ListTokensResponse());
  }
  absl::StatusOr<v1::Token> RevokeToken(const std::string& token_id) override {
    v1::RevokeTokenRequest request;
    request.set_token_id(token_id);
    MIXMATCH_ASSIGN_OR_RETURN(
        auto response, Call(&v1::AccessService::Stub::RevokeToken, *access_, request, v1::RevokeTokenResponse()));
    return std::move(*response.mutable_token());
  }

  absl::StatusOr<v1::StatsResponse> Stats() override {
    return Call(&v1::AdminService::Stub::Stats, *admin_, v1::StatsRequest(), v1::StatsResponse());
  }
  absl::StatusOr<v1::Operation> Backup(const v1::BackupRequest& request) override {
    return OperationOf(Call(&v1::AdminService::Stub::Backup, *admin_, request, v1::BackupResponse()));
  }
  absl::StatusOr<v1::ListBackupsResponse> ListBackups(const v1::ListBackupsRequest& request) override {
    return Call(&v1::AdminService::Stub::ListBackups, *admin_, request, v1::ListBackupsResponse());
  }
  absl::Status DeleteBackup(const v1::DeleteBackupRequest& request) override {
    return Call(&v1::AdminService::Stub::DeleteBackup, *admin_, request, v1::DeleteBackupResponse()).status();
  }
  absl::StatusOr<v1::Operation> Verify(const v1::VerifyRequest& request) override {
    return OperationOf(Call(&v1::AdminService::Stub::Verify, *admin_, request, v1::VerifyResponse()));
  }
  absl::StatusOr<v1::Operation> Compact() override {
    return OperationOf(Call(&v1::AdminService::Stub::Compact, *admin_, v1::CompactRequest(), v1::CompactResponse()));
  }
  absl::Status ExportCheckpoint(const std::function<void(absl::string_view)>& write) override {
    grpc::ClientContext context;
    SetDeadline(context);
    const auto reader = admin_->ExportCheckpoint(&context, v1::ExportCheckpointRequest());
    v1::ExportCheckpointResponse response;
    while (reader->Read(&response)) write(response.chunk());
    return ToAbsl(reader->Finish());
  }
  absl::StatusOr<v1::Operation> ImportCheckpoint(std::istream& archive, bool force) override {
    grpc::ClientContext context;
    SetDeadline(context);
    v1::ImportCheckpointResponse response;
    const auto writer = admin_->ImportCheckpoint(&context, &response);
    v1::ImportCheckpointRequest message;
    message.mutable_header()->set_force(force);
    std::string piece(kChunkBytes, '\0');
    bool open = writer->Write(message);
    while (open && archive.read(piece.data(), static_cast<std::streamsize>(piece.size())).gcount() > 0) {
      message.set_chunk(piece.data(), static_cast<size_t>(archive.gcount()));
      open = writer->Write(message);
    }
    writer->WritesDone();
    if (const absl::Status status = ToAbsl(writer->Finish()); !status.ok()) return status;
    return std::move(*response.mutable_operation());
  }
  absl::StatusOr<v1::GetConfigResponse> Config() override {
    return Call(&v1::AdminService::Stub::GetConfig, *admin_, v1::GetConfigRequest(), v1::GetConfigResponse());
  }
  absl::StatusOr<v1::DrainResponse> Drain(bool off) override {
    v1::DrainRequest request;
    request.set_off(off);
    return Call(&v1::AdminService::Stub::Drain, *admin_, request, v1::DrainResponse());
  }
  absl::StatusOr<v1::Operation> Reindex(const v1::ReindexRequest& request) override {
    return OperationOf(Call(&v1::AdminService::Stub::Reindex, *admin_, request, v1::ReindexResponse()));
  }
  absl::StatusOr<v1::ListOperationsResponse> ListOperations(const v1::ListOperationsRequest& request) override {
    return Call(&v1::AdminService::Stub::ListOperations, *admin_, request, v1::ListOperationsResponse());
  }
  absl::StatusOr<v1::Operation> GetOperation(const std::string& id) override {
    v1::GetOperationRequest request;
    request.set_operation_id(id);
    return OperationOf(Call(&v1::AdminService::Stub::GetOperation, *admin_, request, v1::GetOperationResponse()));
  }
  absl::StatusOr<v1::Operation> CancelOperation(const std::string& id) override {
    v1::CancelOperationRequest request;
    request.set_operation_id(id);
    return OperationOf(Call(&v1::AdminService::Stub::CancelOperation, *admin_, request, v1::CancelOperationResponse()));
  }
  absl::StatusOr<v1::Operation> WaitOperation(const std::string& id, absl::Duration timeout) override {
    v1::WaitOperationRequest request;
    request.set_operation_id(id);
    *request.mutable_timeout() = TimeUtil::MillisecondsToDuration(absl::ToInt64Milliseconds(timeout));
    return OperationOf(Call(&v1::AdminService::Stub::WaitOperation, *admin_, request, v1::WaitOperationResponse()));
  }

 private:
  // Answers are told by their place in the batch, counted from `first`.
  absl::Status OneBatch(const v1::BatchSearchRequest& request, size_t first, const BatchAnswer& answer) {
    grpc::ClientContext context;
    SetDeadline(context);
    const auto reader = searches_->BatchSearch(&context, request);
    v1::BatchSearchResponse response;
    const auto tell = [&](v1::BatchSearchResponse& one) {
      if (one.index() >= static_cast<uint32_t>(request.searches_size())) return false;
      if (one.has_response()) {
        answer(first + one.index(), std::move(*one.mutable_response()));
      } else {
        const auto code = static_cast<absl::StatusCode>(one.error().code());
        answer(first + one.index(), absl::Status(code, one.error().message()));
      }
      return true;
    };
    while (reader->Read(&response)) {
      bool good = tell(response);
      for (v1::BatchSearchResponse& one : *response.mutable_more()) good = good && tell(one);
      if (good) continue;
      context.TryCancel();
      reader->Finish();
      return absl::InternalError(absl::StrCat("batch search: the server answered a place beyond ",
                                              request.searches_size(), "; is it of another version?"));
    }
    return ToAbsl(reader->Finish());
  }

  template <typename Method, typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Call(Method method, Stub& stub, const Request& request, Response response) {
    grpc::ClientContext context;
    SetDeadline(context);
    MIXMATCH_RETURN_IF_ERROR(ToAbsl((stub.*method)(&context, request, &response)));
    return response;
  }

  template <typename Response>
  static absl::StatusOr<v1::LearningStatus> StatusOf(absl::StatusOr<Response> response) {
    MIXMATCH_RETURN_IF_ERROR(response.status());
    return std::move(*response->mutable_status());
  }

  template <typename Response>
  static absl::StatusOr<v1::Operation> OperationOf(absl::StatusOr<Response> response) {
    MIXMATCH_RETURN_IF_ERROR(response.status());
    return std::move(*response->mutable_operation());
  }

  void SetDeadline(grpc::ClientContext& context) const {
    context.set_deadline(std::chrono::system_clock::now() +
                         std::chrono::milliseconds(absl::ToInt64Milliseconds(options_.timeout)));
  }

  // The hash is of the whole content, so what the server has already is read again, not sent.
  absl::StatusOr<v1::UploadResponse> UploadOnce(const v1::UploadHeader& header, std::istream& content,
                                                const std::function<void(uint64_t)>& progress) {
    grpc::ClientContext context;
    SetDeadline(context);
    v1::UploadResponse response;
    const auto writer = items_->Upload(&context, &response);
    v1::UploadRequest message;
    *message.mutable_header() = header;
    bool open = writer->Write(message);
    Sha256 hash;
    uint64_t at = 0;
    std::string chunk;
    while (open) {
      const uint64_t skip = header.resume_offset() > at ? header.resume_offset() - at : kChunkBytes;
      chunk.resize(std::min<uint64_t>(kChunkBytes, skip));
      content.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
      chunk.resize(static_cast<size_t>(content.gcount()));
      if (chunk.empty()) break;
      hash.Update(chunk);
      if (at >= header.resume_offset()) {
        message.set_chunk(chunk);
        open = writer->Write(message);
      }
      at += chunk.size();
      if (progress) progress(at);
    }
    if (open) {
      message.mutable_finish()->set_sha256(hash.Finish());
      writer->Write(message);
    }
    writer->WritesDone();
    MIXMATCH_RETURN_IF_ERROR(ToAbsl(writer->Finish()));
    return response;
  }

  const ClientOptions options_;
  const std::unique_ptr<v1::ItemService::Stub> items_;
  const std::unique_ptr<v1::EventService::Stub> events_;
  const std::unique_ptr<v1::SearchService::Stub> searches_;
  const std::unique_ptr<v1::LearningService::Stub> learning_;
  const std::unique_ptr<v1::AdminService::Stub> admin_;
  const std::unique_ptr<grpc::health::v1::Health::Stub> health_;
  const std::unique_ptr<v1::AccessService::Stub> access_;
};

}  // namespace

std::unique_ptr<Client> Client::Create(const ClientOptions& options) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 10000);  // How long connecting may take, on a busy machine too.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  if (options.search_tries > 1) {
    arguments.SetServiceConfigJSON(ServiceConfig(std::min(options.search_tries, 5)));
    arguments.SetInt(GRPC_ARG_PER_RPC_RETRY_BUFFER_SIZE, kRetryBufferBytes);
  }
  return std::make_unique<GrpcClient>(options, MakeChannel(options.address, options.credentials, arguments));
}

absl::StatusOr<v1::WhoAmIResponse> Client::WhoAmI() { return NotByThisClient("WhoAmI"); }
absl::StatusOr<v1::User> Client::PutUser(const v1::User&) { return NotByThisClient("PutUser"); }
absl::StatusOr<v1::ListUsersResponse> Client::ListUsers(const v1::ListUsersRequest&) {
  return NotByThisClient("ListUsers");
}
absl::Status Client::DeleteUser(const std::string&) { return NotByThisClient("DeleteUser"); }
absl::StatusOr<v1::CreateTokenResponse> Client::CreateToken(const v1::CreateTokenRequest&) {
  return NotByThisClient("CreateToken");
}
absl::StatusOr<v1::ListTokensResponse> Client::ListTokens(const v1::ListTokensRequest&) {
  return NotByThisClient("ListTokens");
}
absl::StatusOr<v1::Token> Client::RevokeToken(const std::string&) { return NotByThisClient("RevokeToken"); }

absl::StatusOr<v1::Item> Client::Live(const v1::UploadHeader&, const std::function<std::string()>&,
                                      const std::function<void(const v1::LiveResponse&)>&) {
  return absl::UnimplementedError("live: not by this client");
}

absl::Status Client::CheckHealth(const std::string&) { return absl::UnimplementedError("health: not by this client"); }

absl::StatusOr<v1::UploadResponse> Client::UploadBytes(v1::UploadHeader header, const std::string& bytes) {
  std::istringstream content(bytes);
  return Upload(std::move(header), content, nullptr);
}

}  // namespace mixmatch::client
