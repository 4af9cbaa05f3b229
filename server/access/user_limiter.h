// How much each user takes, against what each may.
#ifndef MIXMATCH_SERVER_ACCESS_USER_LIMITER_H_
#define MIXMATCH_SERVER_ACCESS_USER_LIMITER_H_

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "mixmatch/v1/access_service.pb.h"
#include "server/access/access_options.h"
#include "server/access/token_bucket.h"
#include "server/rpc/allowance.h"

namespace mixmatch::server {

// Thread-safe. Remembers each user that it saw: some hundred bytes.
class UserLimiter {
 public:
  // Bytes of content stored on a user's behalf; called often.
  using StoredBytes = std::function<uint64_t(const std::string& user)>;
  using Clock = std::function<absl::Time()>;

  UserLimiter(const UserLimitDefaults& defaults, StoredBytes stored, Clock clock = &absl::Now)
      : defaults_(defaults), stored_(std::move(stored)), clock_(std::move(clock)) {}

  // Counts content that was uploaded before this object was made, no more than 24 hours ago.
  void AddEarlier(const std::string& user, absl::Time when, uint64_t bytes);

  // A call of `user` begins; it ends with the allowance, which this object must outlive. RESOURCE_EXHAUSTED, with a
  // time to wait: too many calls in a second, or at once.
  absl::StatusOr<std::shared_ptr<Allowance>> Admit(const v1::User& user);

 private:
  class CallAllowance;

  static constexpr int kHours = 25;  // The one that goes on, and 24 whole ones before it.

  struct Usage {
    TokenBucket requests;
    int calls = 0;
    uint64_t arriving = 0;  // Bytes of uploads under way, not stored yet.
    int64_t hour = 0;       // Since 1970: of the newest of
    std::array<uint64_t, kHours> uploaded{};  // bytes by hour, modulo kHours.
  };

  v1::UserLimits LimitsOf(const v1::User& user) const;
  static void Forward(Usage& usage, int64_t hour);
  static uint64_t Uploaded(const Usage& usage);

  const UserLimitDefaults defaults_;
  const StoredBytes stored_;
  const Clock clock_;
  absl::Mutex mutex_;
  absl::flat_hash_map<std::string, std::unique_ptr<Usage>> usages_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_ACCESS_USER_LIMITER_H_
