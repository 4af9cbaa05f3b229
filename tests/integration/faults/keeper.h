// One client of the model test: makes random calls, knows what must come of them, and says where a server differs.
#ifndef MIXMATCH_TESTS_INTEGRATION_FAULTS_KEEPER_H_
#define MIXMATCH_TESTS_INTEGRATION_FAULTS_KEEPER_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tests/integration/api.h"
#include "tests/integration/faults/findings.h"
#include "tests/integration/faults/truth.h"

namespace mixmatch {

struct KeeperOptions {
  uint32_t seed = 0;
  size_t items = 200;     // About so many are kept: beyond it, deletes get frequent.
  bool exact = true;      // A text finds itself first: the trunk does not change.
  bool steers = false;    // Also pauses and resumes learning, reindexes and rolls back.
};

// Not thread-safe. Keepers of different names do not meet: each owns its items, events and sources.
class Keeper {
 public:
  Keeper(std::string name, const KeeperOptions& options, Findings& findings);

  // Another server on the same data, or the same again. Settles what was under way when the last one went: it happened
  // wholly or not at all. `exact` as in the options.
  void Meet(const std::string& address, bool exact);
  // Calls until the server goes or `calls` is used up; each answered one takes 1 from it. With `until_gone` it goes on
  // beyond, so that a kill comes in the middle of a call.
  void Work(std::atomic<int64_t>& calls, bool until_gone);
  // Everything that can be listed agrees with the truth. With `bytes`, contents and the deleted ones too.
  void CheckAll(bool bytes);

  const Truth& truth() const { return truth_; }
  size_t deletes() const { return gone_.size(); }

 private:
  struct Partial {
    std::string request_id;
    uint64_t number = 0;
    std::optional<uint64_t> bytes;  // Unknown if the server went during the call.
  };

  uint64_t Draw(uint64_t below) { return std::uniform_int_distribution<uint64_t>(0, below - 1)(random_); }
  std::string Pick(const std::vector<std::string>& from) { return from[Draw(from.size())]; }
  std::string SomeSource();
  uint64_t SomeItem();  // There must be one.
  std::string SomeEvent(bool existing);
  void Note(const std::string& step);
  void Wrong(const std::string& what);
  // True if the answer is OK. UNAVAILABLE ends the work with `after` as what may have happened; anything else is wrong.
  bool Settle(const absl::Status& status, const std::string& call, const Truth* after);

  void Step();
  void Upload();
  void UploadAgain();
  void UploadInPieces();
  void Delete();
  void Link();
  void LinkAgain();
  void Unlink();
  void Correct();
  void Hold();
  void RemoveLinks();
  void Update();
  void Get();
  void Download();
  void List();
  void Search();
  void SearchByOwnText();
  void AskForDeleted();
  void Steer();

  TrueItem NewItem();
  v1::UploadHeader HeaderOf(const TrueItem& item) const;
  void Finished(TrueItem item, const absl::StatusOr<v1::UploadResponse>& response, const std::string& call);
  std::string CheckHits(const absl::StatusOr<v1::SearchResponse>& response, const Condition& condition, int64_t k);
  absl::StatusOr<Observed> Observe();
  void Adopt(const Observed& observed);

  const std::string name_;
  KeeperOptions options_;
  Findings& findings_;
  std::mt19937_64 random_;
  std::unique_ptr<Api> api_;
  Truth truth_;
  std::optional<Truth> maybe_;  // What a call under way may have made of the truth.
  bool gone_away_ = false;      // The server went.
  uint64_t next_number_ = 1;
  uint64_t next_event_ = 1;
  std::map<std::string, std::string> link_requests_;  // Request id -> event.
  std::map<std::string, uint64_t> answered_;          // Request id of an upload -> item id; deleted ones too.
  std::vector<uint64_t> gone_;                        // Ids of deleted items.
  std::optional<Partial> partial_;
  std::deque<std::string> trace_;
};

}  // namespace mixmatch

#endif  // MIXMATCH_TESTS_INTEGRATION_FAULTS_KEEPER_H_
