#include "server/access/user_limiter.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "server/access/refusal_brake.h"
#include "server/catalog.h"
#include "server/rpc/retry_after.h"

namespace mixmatch::server {
namespace {

class UserLimiterTest : public testing::Test {
 protected:
  UserLimiterTest() { ann_.set_name("ann"); }

  absl::StatusOr<std::shared_ptr<Allowance>> Admit() { return limiter_.Admit(ann_); }

  absl::Time now_ = absl::FromUnixSeconds(1'800'000'000);
  uint64_t stored_ = 0;
  UserLimitDefaults defaults_{0, 2, 0, 0};
  UserLimiter limiter_{defaults_, [this](const std::string&) { return stored_; }, [this] { return now_; }};
  v1::User ann_;
};

TEST_F(UserLimiterTest, CallsBeyondTheRateWaitUntilItAllowsThem) {
  ann_.mutable_limits()->set_requests_per_second(2);
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(Admit().ok()) << i;
  const absl::Status refused = Admit().status();
  EXPECT_TRUE(absl::IsResourceExhausted(refused));
  EXPECT_EQ(RetryAfter(refused), absl::Milliseconds(500));
  now_ += RetryAfter(refused);
  EXPECT_TRUE(Admit().ok());
  EXPECT_FALSE(Admit().ok());
}

TEST_F(UserLimiterTest, EachSearchOfABatchCounts) {
  ann_.mutable_limits()->set_requests_per_second(1);
  Admit().value()->AlsoRequests(99);
  const absl::Status refused = Admit().status();
  EXPECT_EQ(RetryAfter(refused), absl::Seconds(91));
  now_ += absl::Seconds(91);
  EXPECT_TRUE(Admit().ok());
}

TEST_F(UserLimiterTest, CallsAtOnceAreBoundedByTheDefaultAndByOnesOwnLimit) {
  auto first = Admit(), second = Admit();
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_GT(RetryAfter(Admit().status()), absl::ZeroDuration());
  v1::User bob;
  bob.set_name("bob");
  EXPECT_TRUE(limiter_.Admit(bob).ok());
  first->reset();
  EXPECT_TRUE(Admit().ok());
  ann_.mutable_limits()->set_concurrent_requests(5);
  auto third = Admit(), fourth = Admit(), fifth = Admit(), sixth = Admit();
  EXPECT_TRUE(sixth.ok());
  EXPECT_FALSE(Admit().ok());
}

TEST_F(UserLimiterTest, WhatWasUploadedCountsFor24Hours) {
  ann_.mutable_limits()->set_upload_bytes_per_day(1000);
  limiter_.AddEarlier("ann", now_ - absl::Hours(3), 300);
  limiter_.AddEarlier("ann", now_ - absl::Hours(30), 900);
  auto call = Admit().value();
  EXPECT_TRUE(call->Upload(700, false).ok());
  const absl::Status refused = call->Upload(1, false);
  EXPECT_TRUE(absl::IsResourceExhausted(refused));
  EXPECT_GT(RetryAfter(refused), absl::ZeroDuration());
  EXPECT_LE(RetryAfter(refused), absl::Hours(1));
  now_ += absl::Hours(22);
  EXPECT_TRUE(call->Upload(300, false).ok());
  EXPECT_FALSE(call->Upload(1, false).ok());
  now_ += absl::Hours(100);
  EXPECT_TRUE(call->Upload(1000, false).ok());
}

TEST_F(UserLimiterTest, WhatIsStoredAndWhatIsArrivingAreBoundedTogether) {
  ann_.mutable_limits()->set_stored_bytes(1000);
  stored_ = 600;
  auto one = Admit().value();
  auto other = Admit().value();
  EXPECT_TRUE(one->Upload(300, false).ok());
  EXPECT_TRUE(other->Upload(100, false).ok());
  const absl::Status refused = other->Upload(1, false);
  EXPECT_TRUE(absl::IsResourceExhausted(refused));
  EXPECT_EQ(RetryAfter(refused), absl::ZeroDuration());
  one.reset();  // Broken off: its bytes are not stored.
  EXPECT_TRUE(other->Upload(300, false).ok());
}

TEST_F(UserLimiterTest, AStreamThatIsStoredAsItComesIsCountedOnce) {
  ann_.mutable_limits()->set_stored_bytes(1000);
  auto live = Admit().value();
  EXPECT_TRUE(live->Upload(600, true).ok());
  stored_ = 600;
  EXPECT_TRUE(live->Upload(400, true).ok());
  stored_ = 1000;
  EXPECT_FALSE(live->Upload(1, true).ok());
}

TEST(RefusalBrakeTest, OnePeerIsOneAddressOrOneNetwork) {
  EXPECT_EQ(PeerKey("ipv4:192.0.2.1:50000"), "192.0.2.1");
  EXPECT_EQ(PeerKey("ipv6:%5B2001:db8:1:2:3::4%5D:50000"), "2001:db8:1:2::/64");
  EXPECT_EQ(PeerKey("ipv6:[2001:db8:1:2::9]:1"), "2001:db8:1:2::/64");
  EXPECT_EQ(PeerKey("unix:"), "unix");
  EXPECT_EQ(PeerKey(""), "");
}

TEST(RefusalBrakeTest, APeerThatIsRefusedOverAndOverIsSlowedAndNoOther) {
  RefusalBrake brake(6);
  absl::Time now = absl::FromUnixSeconds(1'800'000'000);
  for (int i = 0; i < 6; ++i) EXPECT_EQ(brake.Refused("ipv4:192.0.2.1:1", now), absl::ZeroDuration());
  EXPECT_EQ(brake.Refused("ipv4:192.0.2.1:2", now), absl::Seconds(10));
  EXPECT_EQ(brake.Refused("ipv4:192.0.2.2:1", now), absl::ZeroDuration());
  now += absl::Seconds(10);
  EXPECT_EQ(brake.Refused("ipv4:192.0.2.1:3", now), absl::ZeroDuration());
  RefusalBrake none(0);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(none.Refused("ipv4:192.0.2.1:1", now), absl::ZeroDuration());
}

TEST(RefusalBrakeTest, OneMorePeerIsSlowedThoughManyCameBefore) {
  RefusalBrake brake(1);
  const absl::Time now = absl::FromUnixSeconds(1'800'000'000);
  for (int i = 0; i < 20'000; ++i) {
    brake.Refused(absl::StrCat("ipv4:10.", i >> 16, ".", i >> 8 & 255, ".", i & 255, ":1"), now);
  }
  EXPECT_EQ(brake.Refused("ipv4:192.0.2.1:1", now), absl::ZeroDuration());
  EXPECT_GT(brake.Refused("ipv4:192.0.2.1:1", now), absl::ZeroDuration());
}

TEST(StoredBytesTest, FollowWhatIsPutReplacedAndRemoved) {
  Catalog catalog;
  ItemRecord record;
  record.set_principal("ann");
  record.mutable_item()->set_item_id(1);
  record.mutable_item()->set_size_bytes(100);
  catalog.Put(record);
  EXPECT_EQ(catalog.StoredBytes("ann"), 100u);
  EXPECT_EQ(catalog.StoredBytes("bob"), 0u);
  record.mutable_item()->set_size_bytes(250);
  catalog.Put(record);
  EXPECT_EQ(catalog.StoredBytes("ann"), 250u);
  catalog.Remove(1);
  catalog.Remove(1);
  EXPECT_EQ(catalog.StoredBytes("ann"), 0u);
}

}  // namespace
}  // namespace mixmatch::server
