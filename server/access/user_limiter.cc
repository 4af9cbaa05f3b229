#include "server/access/user_limiter.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/rpc/retry_after.h"

namespace mixmatch::server {
namespace {

constexpr double kBurstSeconds = 10.0;
constexpr absl::Duration kWaitForRoom = absl::Milliseconds(200);  // Until one of one's own calls may have ended.

int64_t HourOf(absl::Time time) { return absl::ToUnixSeconds(time) / 3600; }

}  // namespace

// Usages are never removed, so that a pointer to one stays good.
class UserLimiter::CallAllowance final : public Allowance {
 public:
  CallAllowance(UserLimiter& limiter, Usage* usage, std::string user, const v1::UserLimits& limits)
      : limiter_(limiter), usage_(usage), user_(std::move(user)), limits_(limits) {}
  ~CallAllowance() override {
    const absl::MutexLock lock(&limiter_.mutex_);
    --usage_->calls;
    usage_->arriving -= arrived_;
  }

  void AlsoRequests(int more) override {
    const absl::MutexLock lock(&limiter_.mutex_);
    usage_->requests.Take(more);
  }

  absl::Status Upload(uint64_t bytes, bool at_once) override {
    const absl::Time now = limiter_.clock_();
    const uint64_t stored = limits_.stored_bytes() > 0 ? limiter_.stored_(user_) : 0;
    const absl::MutexLock lock(&limiter_.mutex_);
    Forward(*usage_, HourOf(now));
    if (limits_.upload_bytes_per_day() > 0 && Uploaded(*usage_) + bytes > limits_.upload_bytes_per_day()) {
      return TryAgainAfter(absl::Hours(1) - (now - absl::FromUnixSeconds(HourOf(now) * 3600)),
                           absl::StrCat("upload: the user may send ", limits_.upload_bytes_per_day(),
                                        " bytes in 24 hours; go on later, or ask an administrator for more"));
    }
    if (limits_.stored_bytes() > 0 && stored + usage_->arriving + bytes > limits_.stored_bytes()) {
      return absl::ResourceExhaustedError(absl::StrCat("upload: the user may store ", limits_.stored_bytes(),
                                                       " bytes; delete items, or ask an administrator for more"));
    }
    usage_->uploaded[HourOf(now) % kHours] += bytes;
    if (at_once) return absl::OkStatus();  // Counted with what is stored.
    usage_->arriving += bytes;
    arrived_ += bytes;
    return absl::OkStatus();
  }

 private:
  UserLimiter& limiter_;
  Usage* const usage_;  // Guarded by the limiter's mutex.
  const std::string user_;
  const v1::UserLimits limits_;
  uint64_t arrived_ = 0;
};

v1::UserLimits UserLimiter::LimitsOf(const v1::User& user) const {
  v1::UserLimits limits = user.limits();
  if (limits.requests_per_second() == 0) limits.set_requests_per_second(defaults_.requests_per_second);
  if (limits.concurrent_requests() == 0) limits.set_concurrent_requests(defaults_.concurrent_requests);
  if (limits.upload_bytes_per_day() == 0) limits.set_upload_bytes_per_day(defaults_.upload_bytes_per_day);
  if (limits.stored_bytes() == 0) limits.set_stored_bytes(defaults_.stored_bytes);
  return limits;
}

void UserLimiter::Forward(Usage& usage, int64_t hour) {
  if (hour <= usage.hour) return;
  for (int64_t h = std::max(usage.hour + 1, hour - kHours + 1); h <= hour; ++h) usage.uploaded[h % kHours] = 0;
  usage.hour = hour;
}

uint64_t UserLimiter::Uploaded(const Usage& usage) {
  return std::accumulate(usage.uploaded.begin(), usage.uploaded.end(), uint64_t{0});
}

void UserLimiter::AddEarlier(const std::string& user, absl::Time when, uint64_t bytes) {
  const int64_t now = HourOf(clock_());
  const int64_t hour = std::min(HourOf(when), now);
  if (hour <= now - kHours) return;
  const absl::MutexLock lock(&mutex_);
  auto& usage = usages_[user];
  if (usage == nullptr) usage = std::make_unique<Usage>();
  Forward(*usage, now);
  usage->uploaded[hour % kHours] += bytes;
}

absl::StatusOr<std::shared_ptr<Allowance>> UserLimiter::Admit(const v1::User& user) {
  const v1::UserLimits limits = LimitsOf(user);
  const absl::Time now = clock_();
  const absl::MutexLock lock(&mutex_);
  auto& usage = usages_[user.name()];
  if (usage == nullptr) usage = std::make_unique<Usage>();
  if (limits.concurrent_requests() > 0 && usage->calls >= limits.concurrent_requests()) {
    return TryAgainAfter(kWaitForRoom, absl::StrCat("server: the user has ", usage->calls,
                                                    " calls under way, and may have as many; try again as they end"));
  }
  if (limits.requests_per_second() > 0) {
    const double burst = std::max(1.0, kBurstSeconds * limits.requests_per_second());
    const absl::Duration wait = usage->requests.Wait(now, limits.requests_per_second(), burst);
    if (wait > absl::ZeroDuration()) {
      const absl::Duration rounded = absl::Ceil(wait, absl::Milliseconds(1));
      return TryAgainAfter(rounded, absl::StrCat("server: the user may make ", limits.requests_per_second(),
                                                 " calls a second; try again in ", absl::FormatDuration(rounded)));
    }
    usage->requests.Take(1);
  }
  ++usage->calls;
  return std::shared_ptr<Allowance>(std::make_shared<CallAllowance>(*this, usage.get(), user.name(), limits));
}

}  // namespace mixmatch::server
