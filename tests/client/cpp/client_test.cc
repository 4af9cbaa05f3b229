// The client against a server of its own process that says what it heard.
#include "client/cpp/client.h"

#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <openssl/sha.h>

#include <sstream>

#include "gtest/gtest.h"
#include "mixmatch/v1/item_service.grpc.pb.h"
#include "mixmatch/v1/search_service.grpc.pb.h"

namespace mixmatch::client {
namespace {

std::string Sha256Of(const std::string& bytes) {
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  return digest;
}

// Keeps what arrived under the request id. Breaks `breaks` streams after their second chunk.
class FakeItems final : public v1::ItemService::Service {
 public:
  grpc::Status Upload(grpc::ServerContext*, grpc::ServerReader<v1::UploadRequest>* reader,
                      v1::UploadResponse* response) override {
    ++calls;
    v1::UploadRequest request;
    if (!reader->Read(&request) || !request.has_header()) return {grpc::StatusCode::INVALID_ARGUMENT, "no header"};
    headers.push_back(request.header());
    held.resize(request.header().resume_offset());
    int chunks = 0;
    while (reader->Read(&request) && request.message_case() == v1::UploadRequest::kChunk) {
      held += request.chunk();
      largest = std::max(largest, request.chunk().size());
      if (breaks > 0 && ++chunks == 2) {
        --breaks;
        return {grpc::StatusCode::UNAVAILABLE, "gone"};
      }
    }
    if (!refusal.ok()) return refusal;
    if (request.finish().sha256() != Sha256Of(held)) return {grpc::StatusCode::INVALID_ARGUMENT, "wrong SHA-256"};
    response->mutable_item()->set_size_bytes(held.size());
    return grpc::Status::OK;
  }
  grpc::Status GetUpload(grpc::ServerContext*, const v1::GetUploadRequest* request,
                         v1::GetUploadResponse* response) override {
    if (headers.empty() || headers.back().request_id() != request->request_id()) {
      return {grpc::StatusCode::NOT_FOUND, "no upload"};
    }
    response->set_received_bytes(held.size());
    return grpc::Status::OK;
  }
  grpc::Status Download(grpc::ServerContext*, const v1::DownloadRequest*,
                        grpc::ServerWriter<v1::DownloadResponse>* writer) override {
    for (const char* piece : {"one ", "two"}) {
      v1::DownloadResponse response;
      response.set_chunk(piece);
      writer->Write(response);
    }
    return grpc::Status::OK;
  }

  int calls = 0;
  int breaks = 0;
  size_t largest = 0;
  std::string held;
  grpc::Status refusal = grpc::Status::OK;
  std::vector<v1::UploadHeader> headers;
};

class FakeSearches final : public v1::SearchService::Service {
 public:
  grpc::Status StreamSearch(grpc::ServerContext*, grpc::ServerReader<v1::StreamSearchRequest>* reader,
                            v1::StreamSearchResponse* response) override {
    v1::StreamSearchRequest request;
    reader->Read(&request);
    k = request.request().k();
    while (reader->Read(&request)) content += request.chunk();
    response->mutable_response()->set_generation(7);
    return grpc::Status::OK;
  }
  grpc::Status Search(grpc::ServerContext* context, const v1::SearchRequest*, v1::SearchResponse* response) override {
    ++calls;
    if (refusals > 0) {
      --refusals;
      context->AddTrailingMetadata("grpc-retry-pushback-ms", pushback);
      return {grpc::StatusCode::RESOURCE_EXHAUSTED, "too many"};
    }
    response->set_generation(8);
    return grpc::Status::OK;
  }
  // The last search first, ten to a message where that is allowed; those with k = 0 are refused.
  grpc::Status BatchSearch(grpc::ServerContext*, const v1::BatchSearchRequest* request,
                           grpc::ServerWriter<v1::BatchSearchResponse>* writer) override {
    batches.push_back(request->searches_size());
    v1::BatchSearchResponse message;
    for (int i = request->searches_size() - 1; i >= 0; --i) {
      const bool is_first = !message.has_response() && !message.has_error();
      v1::BatchSearchResponse& response = is_first ? message : *message.add_more();
      response.set_index(i);
      if (request->searches(i).k() == 0) {
        response.mutable_error()->set_code(3);
        response.mutable_error()->set_message("k: got 0");
      } else {
        response.mutable_response()->set_generation(request->searches(i).k());
      }
      if (request->together() && i > 0 && message.more_size() < 9) continue;
      writer->Write(message);
      message.Clear();
    }
    return batch_end;
  }
  int64_t k = 0;
  std::string content;
  int calls = 0;
  int refusals = 0;
  std::string pushback = "1";
  std::vector<int> batches;
  grpc::Status batch_end = grpc::Status::OK;
};

class ClientTest : public testing::Test {
 protected:
  ClientTest() {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&items_);
    builder.RegisterService(&searches_);
    server_ = builder.BuildAndStart();
    ClientOptions options;
    options.address = "127.0.0.1:" + std::to_string(port);
    client_ = Client::Create(options);
  }

  // Bytes of no period, so that a chunk in the wrong place is seen.
  static std::string Content(size_t size) {
    std::string bytes(size, '\0');
    uint32_t state = 1;
    for (char& byte : bytes) byte = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
    return bytes;
  }

  FakeItems items_;
  FakeSearches searches_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<Client> client_;
};

TEST_F(ClientTest, AnUploadIsAHeaderHalfMebibyteChunksAndItsHash) {
  const std::string content = Content(1300000);
  v1::UploadHeader header;
  header.set_name("crow.ogg");
  const auto response = client_->UploadBytes(header, content);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(items_.held, content);
  EXPECT_EQ(items_.largest, 512u * 1024);
  EXPECT_EQ(items_.headers[0].name(), "crow.ogg");
  EXPECT_FALSE(items_.headers[0].request_id().empty());
}

TEST_F(ClientTest, ABrokenUploadGoesOnWhereTheServerIs) {
  const std::string content = Content(3 << 20);
  items_.breaks = 1;
  const auto response = client_->UploadBytes({}, content);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(items_.held, content);
  ASSERT_EQ(items_.headers.size(), 2u);
  EXPECT_EQ(items_.headers[0].request_id(), items_.headers[1].request_id());
  EXPECT_EQ(items_.headers[1].resume_offset(), 2u * 512 * 1024);
}

TEST_F(ClientTest, AnUploadThatAlwaysBreaksGivesUp) {
  items_.breaks = 1000;
  EXPECT_EQ(client_->UploadBytes({}, Content(3 << 20)).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(items_.calls, ClientOptions().upload_tries);
}

TEST_F(ClientTest, ARefusalIsNotTriedAgainAndKeepsItsMessage) {
  items_.refusal = {grpc::StatusCode::INVALID_ARGUMENT, "content: cannot be decoded"};
  const auto response = client_->UploadBytes({}, "x");
  EXPECT_EQ(response.status(), absl::InvalidArgumentError("content: cannot be decoded"));
  EXPECT_EQ(items_.calls, 1);
}

TEST_F(ClientTest, EmptyContentIsSentForTheServerToJudge) {
  EXPECT_TRUE(client_->UploadBytes({}, "").ok());
  EXPECT_EQ(items_.held, "");
}

TEST_F(ClientTest, ADownloadComesInOrder) {
  std::string content;
  EXPECT_TRUE(client_->Download({}, [&](absl::string_view piece) { content.append(piece.data(), piece.size()); }).ok());
  EXPECT_EQ(content, "one two");
}

TEST_F(ClientTest, ALargeQueryIsStreamedWhole) {
  const std::string content = Content(5 << 20);
  v1::SearchRequest request;
  request.set_k(3);
  const auto response = client_->Search(request, content);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->generation(), 7u);
  EXPECT_EQ(searches_.k, 3);
  EXPECT_EQ(searches_.content, content);
}

TEST_F(ClientTest, ARefusedSearchIsTriedAgainAfterTheServersPushback) {
  searches_.refusals = 3;
  const auto response = client_->Search({});
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->generation(), 8u);
  EXPECT_EQ(searches_.calls, 4);
}

TEST_F(ClientTest, ASearchThatIsAlwaysRefusedGivesUp) {
  searches_.refusals = 1000;
  EXPECT_EQ(client_->Search({}).status(), absl::ResourceExhaustedError("too many"));
  EXPECT_EQ(searches_.calls, ClientOptions().search_tries);
}

TEST_F(ClientTest, ASearchThatIsRefusedForGoodIsNotTriedAgain) {
  searches_.refusals = 1000;
  searches_.pushback = "-1";
  EXPECT_EQ(client_->Search({}).status(), absl::ResourceExhaustedError("too many"));
  EXPECT_EQ(searches_.calls, 1);
}

TEST_F(ClientTest, ManySearchesAreSentInCallsAndEachPlaceIsAnsweredOnce) {
  std::vector<v1::SearchRequest> searches(600);
  for (size_t i = 0; i < searches.size(); ++i) searches[i].set_k(i == 7 ? 0 : 1000 + i);
  std::vector<absl::StatusOr<v1::SearchResponse>> answers(searches.size(), absl::UnknownError("none"));
  size_t told = 0;
  ASSERT_TRUE(client_->BatchSearch(searches, [&](size_t place, absl::StatusOr<v1::SearchResponse> response) {
    answers[place] = std::move(response);
    ++told;
  }).ok());
  EXPECT_EQ(told, searches.size());
  EXPECT_EQ(searches_.batches, (std::vector<int>{256, 256, 88}));
  for (size_t i = 0; i < searches.size(); ++i) {
    if (i == 7) continue;
    ASSERT_TRUE(answers[i].ok()) << i << " " << answers[i].status();
    EXPECT_EQ(answers[i]->generation(), 1000 + i);
  }
  EXPECT_EQ(answers[7].status(), absl::InvalidArgumentError("k: got 0"));
}

TEST_F(ClientTest, LargeSearchesMakeSmallCalls) {
  std::vector<v1::SearchRequest> searches(3);
  for (auto& search : searches) {
    search.set_k(1);
    search.add_query()->mutable_content()->set_data(Content(3 << 20));
  }
  EXPECT_TRUE(client_->BatchSearch(searches, [](size_t, auto) {}).ok());
  EXPECT_EQ(searches_.batches, (std::vector<int>{1, 1, 1}));
}

TEST_F(ClientTest, ABatchThatBreaksSaysSoAfterWhatWasAnswered) {
  searches_.batch_end = {grpc::StatusCode::DEADLINE_EXCEEDED, "late"};
  std::vector<v1::SearchRequest> searches(2);
  size_t told = 0;
  EXPECT_EQ(client_->BatchSearch(searches, [&](size_t, auto) { ++told; }), absl::DeadlineExceededError("late"));
  EXPECT_EQ(told, 2u);
}

TEST_F(ClientTest, AServerThatDrainsIsNotHealthyAndOneThatHasNoSuchServiceSaysSo) {
  EXPECT_EQ(client_->CheckHealth(""), absl::OkStatus());
  EXPECT_EQ(client_->CheckHealth("no.such.Service").code(), absl::StatusCode::kNotFound);
  server_->GetHealthCheckService()->SetServingStatus(false);
  EXPECT_EQ(client_->CheckHealth("").code(), absl::StatusCode::kUnavailable);
}

TEST_F(ClientTest, WithoutAServerEveryCallIsUnavailable) {
  server_->Shutdown();
  EXPECT_EQ(client_->CheckHealth("").code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(client_->Get(1).status().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace mixmatch::client
