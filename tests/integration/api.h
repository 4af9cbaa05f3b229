// One server as the tests call it: through the C++ client, and past it by stubs for what a client never sends.
#ifndef MIXMATCH_TESTS_INTEGRATION_API_H_
#define MIXMATCH_TESTS_INTEGRATION_API_H_

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/cpp/client.h"
#include "mixmatch/v1/admin_service.grpc.pb.h"
#include "mixmatch/v1/event_service.grpc.pb.h"
#include "mixmatch/v1/item_service.grpc.pb.h"
#include "mixmatch/v1/learning_service.grpc.pb.h"
#include "mixmatch/v1/search_service.grpc.pb.h"

namespace mixmatch {

absl::Status FromGrpc(const grpc::Status& status);

class Api {
 public:
  explicit Api(const std::string& address);

  // By stub, once: header, chunks of `chunk_bytes`, finish with the right SHA-256 of `content` (or `sha256` if given).
  absl::StatusOr<v1::UploadResponse> Upload(const std::string& content, const v1::UploadHeader& header = {},
                                            const std::string* sha256 = nullptr, size_t chunk_bytes = 256 << 10);
  // The id of an uploaded item; 0 and a test failure if it was refused.
  uint64_t Put(const std::string& content, const std::string& event_id = "", const std::string& name = "");

  absl::StatusOr<v1::Item> Get(uint64_t item_id, bool vectors = false);
  absl::StatusOr<std::vector<v1::Item>> ListAll(const v1::Filter& filter = {}, int page_size = 100);
  absl::StatusOr<std::string> Download(uint64_t item_id, uint64_t offset = 0, uint64_t length = 0);
  absl::Status Delete(uint64_t item_id);

  absl::StatusOr<v1::SearchResponse> Search(const v1::SearchRequest& request);
  absl::StatusOr<v1::SearchResponse> StreamSearch(const v1::SearchRequest& request, const std::string& content);

  absl::StatusOr<v1::Event> GetEvent(const std::string& event_id);
  absl::StatusOr<v1::Event> Link(const std::string& event_id, const std::vector<uint64_t>& items);
  absl::StatusOr<v1::Event> Unlink(const std::string& event_id, const std::vector<uint64_t>& items = {});

  v1::StatsResponse Stats();
  v1::LearningStatus Learning();
  // Watches until `done` is true of a status; that status. The watch ends with a test failure if the server goes.
  v1::LearningStatus WatchUntil(const std::function<bool(const v1::LearningStatus&)>& done);
  // Until every change acknowledged before this call is learned and searched with.
  v1::LearningStatus WaitLearned();

  // grpc.health.v1: SERVING is 1.
  absl::StatusOr<int> Health(const std::string& service = "");
  // Returns when health says anything else than SERVING.
  void WaitNotServing();
  std::vector<std::string> ReflectedServices();

  const std::unique_ptr<client::Client> client;
  const std::shared_ptr<grpc::Channel> channel;
  const std::unique_ptr<v1::ItemService::Stub> items;
  const std::unique_ptr<v1::EventService::Stub> events;
  const std::unique_ptr<v1::SearchService::Stub> searches;
  const std::unique_ptr<v1::LearningService::Stub> learning;
  const std::unique_ptr<v1::AdminService::Stub> admin;
};

// Requests for k hits.
v1::SearchRequest ByText(const std::string& text, int64_t k = 10);
v1::SearchRequest ByContent(const std::string& bytes, int64_t k = 10);
v1::SearchRequest ByItem(uint64_t item_id, int64_t k = 10);
// Ids of the items hit, nearest first.
std::vector<uint64_t> HitItems(const absl::StatusOr<v1::SearchResponse>& response);

}  // namespace mixmatch

#endif  // MIXMATCH_TESTS_INTEGRATION_API_H_
