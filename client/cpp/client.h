// The C++ client: one object a server.
#ifndef MIXMATCH_CLIENT_CPP_CLIENT_H_
#define MIXMATCH_CLIENT_CPP_CLIENT_H_

#include <cstdint>
#include <functional>
#include <istream>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "client/cpp/credentials.h"
#include "mixmatch/v1/access_service.pb.h"
#include "mixmatch/v1/admin_service.pb.h"
#include "mixmatch/v1/event_service.pb.h"
#include "mixmatch/v1/item_service.pb.h"
#include "mixmatch/v1/learning_service.pb.h"
#include "mixmatch/v1/search_service.pb.h"

namespace mixmatch::client {

struct ClientOptions {
  std::string address = "127.0.0.1:7411";
  absl::Duration timeout = absl::Minutes(10);  // Of each call; uploads and downloads have it anew for each try.
  int upload_tries = 3;                        // Of one upload, when the server cannot be reached in between.
  int search_tries = 4;  // Of one search, 1 to 5, when the server refuses it for now and says until when.
  Credentials credentials;
};

// Thread-safe. Errors are the server's, with its message; UNAVAILABLE when it cannot be reached, DEADLINE_EXCEEDED when
// it took too long.
class Client {
 public:
  // Connects lazily.
  static std::unique_ptr<Client> Create(const ClientOptions& options);
  virtual ~Client() = default;

  // Sends `content` from its position to its end. A request id is made where the header has none, so that a try that
  // broke off goes on at the offset that the server reports; `content` must be seekable for that. `progress` may be
  // null and is told the bytes sent so far.
  virtual absl::StatusOr<v1::UploadResponse> Upload(v1::UploadHeader header, std::istream& content,
                                                    const std::function<void(uint64_t)>& progress) = 0;
  absl::StatusOr<v1::UploadResponse> UploadBytes(v1::UploadHeader header, const std::string& bytes);

  // Stores a sound or video while it is being made. `read` waits for the next bytes and gives them, none at the end;
  // `hear` is told each answer, on a thread of its own. The item as it stays; an error where the stream was cut, though
  // what was told is stored. Has no timeout.
  virtual absl::StatusOr<v1::Item> Live(const v1::UploadHeader& header, const std::function<std::string()>& read,
                                        const std::function<void(const v1::LiveResponse&)>& hear);

  virtual absl::StatusOr<v1::Item> Get(uint64_t item_id, bool parts = false, bool vectors = false) = 0;
  virtual absl::StatusOr<v1::ItemServiceListResponse> List(const v1::ItemServiceListRequest& request) = 0;
  virtual absl::Status Delete(uint64_t item_id) = 0;
  // Calls `write` with pieces in order.
  virtual absl::Status Download(const v1::DownloadRequest& request,
                                const std::function<void(absl::string_view)>& write) = 0;
  virtual absl::StatusOr<v1::Item> UpdateMetadata(const v1::UpdateMetadataRequest& request) = 0;

  virtual absl::StatusOr<v1::Event> Link(const v1::LinkRequest& request) = 0;
  virtual absl::StatusOr<v1::Event> Unlink(const v1::UnlinkRequest& request) = 0;
  virtual absl::StatusOr<v1::Event> GetEvent(const std::string& event_id) = 0;
  virtual absl::StatusOr<v1::EventServiceListResponse> ListEvents(const v1::EventServiceListRequest& request) = 0;
  // What is learned as occurring together, and why; corrections of it.
  virtual absl::StatusOr<v1::ListLinksResponse> ListLinks(const v1::ListLinksRequest& request) = 0;
  virtual absl::StatusOr<v1::CorrectLinkResponse> CorrectLink(const v1::CorrectLinkRequest& request) = 0;
  virtual absl::StatusOr<v1::HoldLinksResponse> HoldLinks(const v1::HoldLinksRequest& request) = 0;
  virtual absl::StatusOr<v1::ReleaseLinksResponse> ReleaseLinks(const v1::ReleaseLinksRequest& request) = 0;
  virtual absl::StatusOr<v1::RemoveLinksResponse> RemoveLinks(const v1::RemoveLinksRequest& request) = 0;

  // `large` is content too big for one message, of the request's last term; empty if there is none.
  virtual absl::StatusOr<v1::SearchResponse> Search(const v1::SearchRequest& request,
                                                    const std::string& large = "") = 0;
  // Many searches, sent in calls of at most 256 searches and about 4 MiB; those of one call are of one generation.
  // `answer` is told, on this thread, each search's place and answer in the order in which they are ready. Not OK where
  // a call failed as a whole: places that were not told then have no answer.
  using BatchAnswer = std::function<void(size_t place, absl::StatusOr<v1::SearchResponse> response)>;
  virtual absl::Status BatchSearch(absl::Span<const v1::SearchRequest> searches, const BatchAnswer& answer) = 0;

  virtual absl::StatusOr<v1::LearningStatus> LearningStatus() = 0;
  virtual absl::StatusOr<v1::LearningStatus> PauseLearning() = 0;
  virtual absl::StatusOr<v1::LearningStatus> ResumeLearning() = 0;
  virtual absl::StatusOr<v1::LearningStatus> RollBack(uint64_t trunk) = 0;
  virtual absl::StatusOr<v1::HistoryResponse> LearningHistory() = 0;
  virtual absl::StatusOr<v1::LearningStatus> PinTrunk(bool pinned) = 0;
  virtual absl::StatusOr<v1::CompareTrunksResponse> CompareTrunks(const v1::CompareTrunksRequest& request) = 0;
  // Until `visit` returns false.
  virtual absl::Status WatchLearning(absl::Duration interval,
                                     const std::function<bool(const v1::LearningStatus&)>& visit) = 0;

  // OK if the server takes calls of `service`, of any if that is empty; UNAVAILABLE if it starts, drains or cannot be
  // reached, NOT_FOUND if it has no such service. Needs no token.
  virtual absl::Status CheckHealth(const std::string& service);

  // On whose behalf calls are made; users and tokens.
  virtual absl::StatusOr<v1::WhoAmIResponse> WhoAmI();
  virtual absl::StatusOr<v1::User> PutUser(const v1::User& user);
  virtual absl::StatusOr<v1::ListUsersResponse> ListUsers(const v1::ListUsersRequest& request);
  virtual absl::Status DeleteUser(const std::string& name);
  virtual absl::StatusOr<v1::CreateTokenResponse> CreateToken(const v1::CreateTokenRequest& request);
  virtual absl::StatusOr<v1::ListTokensResponse> ListTokens(const v1::ListTokensRequest& request);
  virtual absl::StatusOr<v1::Token> RevokeToken(const std::string& token_id);

  virtual absl::StatusOr<v1::StatsResponse> Stats() = 0;
  virtual absl::StatusOr<v1::GetConfigResponse> Config() = 0;
  virtual absl::StatusOr<v1::DrainResponse> Drain(bool off) = 0;
  virtual absl::StatusOr<v1::Operation> Backup(const v1::BackupRequest& request) = 0;
  virtual absl::StatusOr<v1::ListBackupsResponse> ListBackups(const v1::ListBackupsRequest& request) = 0;
  virtual absl::Status DeleteBackup(const v1::DeleteBackupRequest& request) = 0;
  virtual absl::StatusOr<v1::Operation> Verify(const v1::VerifyRequest& request) = 0;
  virtual absl::StatusOr<v1::Operation> Compact() = 0;
  // Calls `write` with pieces of the archive in order.
  virtual absl::Status ExportCheckpoint(const std::function<void(absl::string_view)>& write) = 0;
  virtual absl::StatusOr<v1::Operation> ImportCheckpoint(std::istream& archive, bool force) = 0;
  virtual absl::StatusOr<v1::Operation> Reindex(const v1::ReindexRequest& request) = 0;
  virtual absl::StatusOr<v1::ListOperationsResponse> ListOperations(const v1::ListOperationsRequest& request) = 0;
  virtual absl::StatusOr<v1::Operation> GetOperation(const std::string& id) = 0;
  virtual absl::StatusOr<v1::Operation> CancelOperation(const std::string& id) = 0;
  virtual absl::StatusOr<v1::Operation> WaitOperation(const std::string& id, absl::Duration timeout) = 0;
};

}  // namespace mixmatch::client

#endif  // MIXMATCH_CLIENT_CPP_CLIENT_H_
