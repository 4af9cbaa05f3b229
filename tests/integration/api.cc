#include "tests/integration/api.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "grpc/health/v1/health.grpc.pb.h"
#include "proto/base/status_macros.h"
#include "tests/integration/media.h"
#include "tests/integration/reflection.grpc.pb.h"

namespace mixmatch {
namespace {

constexpr std::chrono::seconds kLongest(120);  // No call of a test takes as long, unless something hangs.

// A context whose call fails rather than hang.
struct Context : grpc::ClientContext {
  Context() { set_deadline(std::chrono::system_clock::now() + kLongest); }
};

client::ClientOptions OptionsOf(const std::string& address) {
  client::ClientOptions options;
  options.address = address;
  options.timeout = absl::Seconds(kLongest.count());
  return options;
}

std::shared_ptr<grpc::Channel> Connect(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  // Each client its own connection: a server that was restarted on the same port is a new one.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

template <typename Stub, typename Request, typename Response>
absl::StatusOr<Response> Call(Stub& stub, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                              const Request& request) {
  Context context;
  Response response;
  MIXMATCH_RETURN_IF_ERROR(FromGrpc((stub.*method)(&context, request, &response)));
  return response;
}

}  // namespace

absl::Status FromGrpc(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

Api::Api(const std::string& address)
    : client(client::Client::Create(OptionsOf(address))),
      channel(Connect(address)),
      items(v1::ItemService::NewStub(channel)),
      events(v1::EventService::NewStub(channel)),
      searches(v1::SearchService::NewStub(channel)),
      learning(v1::LearningService::NewStub(channel)),
      admin(v1::AdminService::NewStub(channel)) {}

absl::StatusOr<v1::UploadResponse> Api::Upload(const std::string& content, const v1::UploadHeader& header,
                                               const std::string* sha256, size_t chunk_bytes) {
  Context context;
  v1::UploadResponse response;
  const auto stream = items->Upload(&context, &response);
  v1::UploadRequest message;
  *message.mutable_header() = header;
  bool open = stream->Write(message);
  for (size_t at = header.resume_offset(); open && at < content.size(); at += chunk_bytes) {
    message.set_chunk(content.substr(at, chunk_bytes));
    open = stream->Write(message);
  }
  message.mutable_finish()->set_sha256(sha256 != nullptr ? *sha256 : Sha256(content));
  if (open) stream->WriteLast(message, grpc::WriteOptions());
  MIXMATCH_RETURN_IF_ERROR(FromGrpc(stream->Finish()));
  return response;
}

uint64_t Api::Put(const std::string& content, const std::string& event_id, const std::string& name) {
  v1::UploadHeader header;
  header.set_event_id(event_id);
  header.set_name(name);
  const auto response = client->UploadBytes(header, content);
  EXPECT_TRUE(response.ok()) << response.status() << " " << name;
  return response.ok() ? response->item().item_id() : 0;
}

absl::StatusOr<v1::Item> Api::Get(uint64_t item_id, bool vectors) { return client->Get(item_id, false, vectors); }

absl::StatusOr<std::vector<v1::Item>> Api::ListAll(const v1::Filter& filter, int page_size) {
  std::vector<v1::Item> all;
  v1::ItemServiceListRequest request;
  *request.mutable_filter() = filter;
  request.set_page_size(page_size);
  do {
    MIXMATCH_ASSIGN_OR_RETURN(const auto page, client->List(request));
    EXPECT_LE(page.items_size(), page_size);
    all.insert(all.end(), page.items().begin(), page.items().end());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return all;
}

absl::StatusOr<std::string> Api::Download(uint64_t item_id, uint64_t offset, uint64_t length) {
  v1::DownloadRequest request;
  request.set_item_id(item_id);
  request.set_offset(offset);
  request.set_length(length);
  std::string content;
  MIXMATCH_RETURN_IF_ERROR(
      client->Download(request, [&](absl::string_view piece) { content.append(piece.data(), piece.size()); }));
  return content;
}

absl::Status Api::Delete(uint64_t item_id) { return client->Delete(item_id); }

absl::StatusOr<v1::SearchResponse> Api::Search(const v1::SearchRequest& request) { return client->Search(request); }

absl::StatusOr<v1::SearchResponse> Api::StreamSearch(const v1::SearchRequest& request, const std::string& content) {
  Context context;
  v1::StreamSearchResponse response;
  const auto stream = searches->StreamSearch(&context, &response);
  v1::StreamSearchRequest message;
  *message.mutable_request() = request;
  bool open = stream->Write(message);
  for (size_t at = 0; open && at < content.size(); at += 1000) {
    message.set_chunk(content.substr(at, 1000));
    open = stream->Write(message);
  }
  stream->WritesDone();
  MIXMATCH_RETURN_IF_ERROR(FromGrpc(stream->Finish()));
  return response.response();
}

absl::StatusOr<v1::Event> Api::GetEvent(const std::string& event_id) { return client->GetEvent(event_id); }

absl::StatusOr<v1::Event> Api::Link(const std::string& event_id, const std::vector<uint64_t>& members) {
  v1::LinkRequest request;
  request.set_event_id(event_id);
  for (uint64_t item : members) request.add_members()->set_item_id(item);
  return client->Link(request);
}

absl::StatusOr<v1::Event> Api::Unlink(const std::string& event_id, const std::vector<uint64_t>& members) {
  v1::UnlinkRequest request;
  request.set_event_id(event_id);
  for (uint64_t item : members) request.add_members()->set_item_id(item);
  return client->Unlink(request);
}

v1::StatsResponse Api::Stats() {
  const auto response = client->Stats();
  EXPECT_TRUE(response.ok()) << response.status();
  return response.value_or(v1::StatsResponse());
}

v1::LearningStatus Api::Learning() {
  const auto response = client->LearningStatus();
  EXPECT_TRUE(response.ok()) << response.status();
  return response.value_or(v1::LearningStatus());
}

v1::LearningStatus Api::WatchUntil(const std::function<bool(const v1::LearningStatus&)>& done) {
  v1::LearningStatus last;
  const absl::Status ended = client->WatchLearning(absl::Milliseconds(100), [&](const v1::LearningStatus& status) {
    last = status;
    return !done(status);
  });
  EXPECT_TRUE(ended.ok()) << ended << "; the last status was\n" << last.DebugString();
  EXPECT_TRUE(done(last)) << "the watch ended; the last status was\n" << last.DebugString();
  return last;
}

v1::LearningStatus Api::WaitLearned() {
  return WatchUntil([](const v1::LearningStatus& status) { return status.events_queued() == 0; });
}

absl::StatusOr<int> Api::Health(const std::string& service) {
  const auto stub = grpc::health::v1::Health::NewStub(channel);
  grpc::health::v1::HealthCheckRequest request;
  request.set_service(service);
  MIXMATCH_ASSIGN_OR_RETURN(const auto response, Call(*stub, &grpc::health::v1::Health::Stub::Check, request));
  return static_cast<int>(response.status());
}

void Api::WaitNotServing() {
  const auto stub = grpc::health::v1::Health::NewStub(channel);
  Context context;
  const auto stream = stub->Watch(&context, grpc::health::v1::HealthCheckRequest());
  grpc::health::v1::HealthCheckResponse response;
  while (stream->Read(&response) && response.status() == grpc::health::v1::HealthCheckResponse::SERVING) {
  }
  context.TryCancel();
  stream->Finish();
}

std::vector<std::string> Api::ReflectedServices() {
  const auto stub = grpc::reflection::v1alpha::ServerReflection::NewStub(channel);
  Context context;
  const auto stream = stub->ServerReflectionInfo(&context);
  grpc::reflection::v1alpha::ServerReflectionRequest request;
  request.set_list_services("*");
  stream->Write(request);
  grpc::reflection::v1alpha::ServerReflectionResponse response;
  EXPECT_TRUE(stream->Read(&response));
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
  std::vector<std::string> names;
  for (const auto& service : response.list_services_response().service()) names.push_back(service.name());
  return names;
}

v1::SearchRequest ByText(const std::string& text, int64_t k) {
  v1::SearchRequest request;
  request.add_query()->mutable_content()->set_text(text);
  request.set_k(k);
  return request;
}

v1::SearchRequest ByContent(const std::string& bytes, int64_t k) {
  v1::SearchRequest request;
  request.add_query()->mutable_content()->set_data(bytes);
  request.set_k(k);
  return request;
}

v1::SearchRequest ByItem(uint64_t item_id, int64_t k) {
  v1::SearchRequest request;
  request.add_query()->set_item_id(item_id);
  request.set_k(k);
  return request;
}

std::vector<uint64_t> HitItems(const absl::StatusOr<v1::SearchResponse>& response) {
  EXPECT_TRUE(response.ok()) << response.status();
  std::vector<uint64_t> items;
  if (!response.ok()) return items;
  for (const v1::Hit& hit : response->hits()) items.push_back(hit.item().item_id());
  return items;
}

}  // namespace mixmatch
