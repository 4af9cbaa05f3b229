// A Client that remembers what it was asked and answers from memory.
#ifndef MIXMATCH_TESTS_CLIENT_CLI_FAKE_CLIENT_H_
#define MIXMATCH_TESTS_CLIENT_CLI_FAKE_CLIENT_H_

#include <iterator>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "client/cpp/client.h"
#include "proto/base/status_macros.h"

namespace mixmatch::client {

// What outlives the client that a run makes. Thread-safe for uploads only.
struct FakeServer {
  absl::Status error;  // Not OK: the answer to everything.
  std::map<uint64_t, std::string> contents;
  std::vector<v1::UploadHeader> uploads;
  std::vector<v1::SearchRequest> searches;
  std::vector<v1::LinkRequest> links;
  std::vector<v1::ListLinksRequest> listed_links;
  std::vector<v1::CorrectLinkRequest> corrections;
  std::vector<v1::UpdateMetadataRequest> updates;
  std::vector<v1::User> users;  // By name.
  std::string large;
  v1::SearchResponse hits;
  v1::HistoryResponse history;
  std::vector<v1::BackupRequest> backups;
  std::vector<v1::VerifyRequest> verifications;
  std::vector<v1::ReindexRequest> reindexes;
  std::string imported;
  v1::Operation ended;  // What operations come to.
  std::mutex mutex;
};

// Items are numbered from 1; content "bad" is refused.
class FakeClient final : public Client {
 public:
  explicit FakeClient(FakeServer* server) : server_(*server) {}

  absl::StatusOr<v1::UploadResponse> Upload(v1::UploadHeader header, std::istream& content,
                                            const std::function<void(uint64_t)>&) override {
    const std::lock_guard<std::mutex> lock(server_.mutex);
    if (!server_.error.ok()) return server_.error;
    const std::string bytes((std::istreambuf_iterator<char>(content)), std::istreambuf_iterator<char>());
    if (bytes == "bad") return absl::InvalidArgumentError("content: cannot be decoded");
    const uint64_t id = server_.contents.size() + 1;
    server_.contents[id] = bytes;
    v1::UploadResponse response;
    response.mutable_item()->set_item_id(id);
    response.mutable_item()->set_name(header.name());
    response.mutable_item()->set_size_bytes(bytes.size());
    server_.uploads.push_back(std::move(header));
    return response;
  }
  absl::Status CheckHealth(const std::string&) override { return server_.error; }
  absl::StatusOr<v1::Item> Get(uint64_t id, bool, bool) override {
    if (!server_.error.ok()) return server_.error;
    if (server_.contents.count(id) == 0) return absl::NotFoundError("no item");
    v1::Item item;
    item.set_item_id(id);
    item.set_name("../../etc/passwd");
    return item;
  }
  absl::StatusOr<v1::ItemServiceListResponse> List(const v1::ItemServiceListRequest&) override {
    return Ok<v1::ItemServiceListResponse>();
  }
  absl::Status Delete(uint64_t id) override {
    if (!server_.error.ok()) return server_.error;
    return server_.contents.erase(id) == 1 ? absl::OkStatus() : absl::NotFoundError("no item");
  }
  absl::Status Download(const v1::DownloadRequest& request,
                        const std::function<void(absl::string_view)>& write) override {
    if (!server_.error.ok()) return server_.error;
    write(server_.contents[request.item_id()]);
    return absl::OkStatus();
  }
  absl::StatusOr<v1::Item> UpdateMetadata(const v1::UpdateMetadataRequest& request) override {
    server_.updates.push_back(request);
    return Ok<v1::Item>();
  }
  absl::StatusOr<v1::Event> Link(const v1::LinkRequest& request) override {
    server_.links.push_back(request);
    return Ok<v1::Event>();
  }
  absl::StatusOr<v1::Event> Unlink(const v1::UnlinkRequest&) override { return Ok<v1::Event>(); }
  absl::StatusOr<v1::Event> GetEvent(const std::string&) override { return Ok<v1::Event>(); }
  absl::StatusOr<v1::EventServiceListResponse> ListEvents(const v1::EventServiceListRequest&) override {
    return Ok<v1::EventServiceListResponse>();
  }
  absl::StatusOr<v1::ListLinksResponse> ListLinks(const v1::ListLinksRequest& request) override {
    if (!server_.error.ok()) return server_.error;
    server_.listed_links.push_back(request);
    v1::ListLinksResponse response;
    v1::Link& link = *response.add_links();
    link.set_link_id("formed:time:1-2#65536-131072");
    link.set_kind(v1::EVENT_KIND_TIME);
    link.set_state(v1::LINK_STATE_LEARNED);
    link.set_explanation("3.2 s apart at source cam-1: weight 0.73");
    return response;
  }
  absl::StatusOr<v1::CorrectLinkResponse> CorrectLink(const v1::CorrectLinkRequest& request) override {
    server_.corrections.push_back(request);
    return Ok<v1::CorrectLinkResponse>();
  }
  absl::StatusOr<v1::HoldLinksResponse> HoldLinks(const v1::HoldLinksRequest& request) override {
    if (!server_.error.ok()) return server_.error;
    v1::HoldLinksResponse response;
    response.add_sources(request.source());
    return response;
  }
  absl::StatusOr<v1::ReleaseLinksResponse> ReleaseLinks(const v1::ReleaseLinksRequest&) override {
    return Ok<v1::ReleaseLinksResponse>();
  }
  absl::StatusOr<v1::RemoveLinksResponse> RemoveLinks(const v1::RemoveLinksRequest&) override {
    return Ok<v1::RemoveLinksResponse>();
  }
  absl::StatusOr<v1::SearchResponse> Search(const v1::SearchRequest& request, const std::string& large) override {
    if (!server_.error.ok()) return server_.error;
    server_.searches.push_back(request);
    server_.large = large;
    return server_.hits;
  }
  // The last first. A search without a term is refused.
  absl::Status BatchSearch(absl::Span<const v1::SearchRequest> searches, const BatchAnswer& answer) override {
    if (!server_.error.ok()) return server_.error;
    for (size_t i = searches.size(); i-- > 0;) {
      server_.searches.push_back(searches[i]);
      if (searches[i].query().empty()) {
        answer(i, absl::InvalidArgumentError("query: got 0 terms"));
      } else {
        answer(i, server_.hits);
      }
    }
    return absl::OkStatus();
  }
  absl::StatusOr<v1::LearningStatus> LearningStatus() override { return Ok<v1::LearningStatus>(); }
  absl::StatusOr<v1::LearningStatus> PauseLearning() override { return Ok<v1::LearningStatus>(); }
  absl::StatusOr<v1::LearningStatus> ResumeLearning() override { return Ok<v1::LearningStatus>(); }
  absl::StatusOr<v1::LearningStatus> RollBack(uint64_t) override { return Ok<v1::LearningStatus>(); }
  absl::StatusOr<v1::HistoryResponse> LearningHistory() override {
    if (!server_.error.ok()) return server_.error;
    return server_.history;
  }
  absl::Status WatchLearning(absl::Duration, const std::function<bool(const v1::LearningStatus&)>& visit) override {
    visit(v1::LearningStatus());
    return server_.error;
  }
  absl::StatusOr<v1::User> PutUser(const v1::User& user) override {
    server_.users.push_back(user);
    return user;
  }
  absl::StatusOr<v1::ListUsersResponse> ListUsers(const v1::ListUsersRequest&) override {
    v1::ListUsersResponse response;
    for (const v1::User& user : server_.users) *response.add_users() = user;
    return response;
  }
  absl::StatusOr<v1::CreateTokenResponse> CreateToken(const v1::CreateTokenRequest& request) override {
    v1::CreateTokenResponse response;
    response.mutable_token()->set_token_id("0123456789ab");
    response.mutable_token()->set_user(request.user());
    if (request.has_expire_time()) *response.mutable_token()->mutable_expire_time() = request.expire_time();
    response.set_secret("mm_0123456789ab_secret");
    return response;
  }
  absl::StatusOr<v1::StatsResponse> Stats() override { return Ok<v1::StatsResponse>(); }
  absl::StatusOr<v1::GetConfigResponse> Config() override { return Ok<v1::GetConfigResponse>(); }
  absl::StatusOr<v1::DrainResponse> Drain(bool) override { return Ok<v1::DrainResponse>(); }
  absl::StatusOr<v1::LearningStatus> PinTrunk(bool pinned) override {
    auto status = Ok<v1::LearningStatus>();
    if (status.ok()) status->set_pinned(pinned);
    return status;
  }
  absl::StatusOr<v1::CompareTrunksResponse> CompareTrunks(const v1::CompareTrunksRequest& request) override {
    auto response = Ok<v1::CompareTrunksResponse>();
    if (response.ok()) response->mutable_trunk()->set_trunk(request.trunk());
    return response;
  }
  absl::StatusOr<v1::Operation> Backup(const v1::BackupRequest& request) override {
    server_.backups.push_back(request);
    return Begun("backup-1");
  }
  absl::StatusOr<v1::ListBackupsResponse> ListBackups(const v1::ListBackupsRequest&) override {
    auto response = Ok<v1::ListBackupsResponse>();
    if (response.ok()) response->add_backups()->set_folder("default");
    return response;
  }
  absl::Status DeleteBackup(const v1::DeleteBackupRequest&) override { return server_.error; }
  absl::StatusOr<v1::Operation> Verify(const v1::VerifyRequest& request) override {
    server_.verifications.push_back(request);
    return Begun("verify-1");
  }
  absl::StatusOr<v1::Operation> Compact() override { return Begun("compact-1"); }
  absl::Status ExportCheckpoint(const std::function<void(absl::string_view)>& write) override {
    if (server_.error.ok()) write("weights");
    return server_.error;
  }
  absl::StatusOr<v1::Operation> ImportCheckpoint(std::istream& archive, bool) override {
    server_.imported.assign(std::istreambuf_iterator<char>(archive), std::istreambuf_iterator<char>());
    return Begun("import-1");
  }
  absl::StatusOr<v1::Operation> Reindex(const v1::ReindexRequest& request) override {
    server_.reindexes.push_back(request);
    return Begun("reindex-7");
  }
  absl::StatusOr<v1::ListOperationsResponse> ListOperations(const v1::ListOperationsRequest&) override {
    return Ok<v1::ListOperationsResponse>();
  }
  absl::StatusOr<v1::Operation> GetOperation(const std::string& id) override {
    if (!server_.error.ok()) return server_.error;
    v1::Operation operation;
    operation.set_operation_id(id);
    return operation;
  }
  absl::StatusOr<v1::Operation> CancelOperation(const std::string& id) override { return GetOperation(id); }
  // Runs for two calls, then has ended as `ended` says.
  absl::StatusOr<v1::Operation> WaitOperation(const std::string& id, absl::Duration) override {
    MIXMATCH_ASSIGN_OR_RETURN(v1::Operation operation, GetOperation(id));
    if (++waits_ > 2) operation = server_.ended;
    operation.set_operation_id(id);
    if (waits_ <= 2) operation.set_state(v1::OPERATION_STATE_RUNNING);
    return operation;
  }

 private:
  absl::StatusOr<v1::Operation> Begun(const std::string& id) {
    auto operation = GetOperation(id);
    if (operation.ok()) operation->set_state(v1::OPERATION_STATE_RUNNING);
    return operation;
  }
  template <typename Response>
  absl::StatusOr<Response> Ok() const {
    if (!server_.error.ok()) return server_.error;
    return Response();
  }

  FakeServer& server_;
  int waits_ = 0;
};

}  // namespace mixmatch::client

#endif  // MIXMATCH_TESTS_CLIENT_CLI_FAKE_CLIENT_H_
