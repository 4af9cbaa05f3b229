#include "server/probe.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace mixmatch::server {
namespace {

TEST(ProbeTest, ATwentiethOfTheEventsIsHeldOut) {
  int held_out = 0;
  for (int i = 0; i < 20'000; ++i) held_out += IsProbeEvent(absl::StrCat("event-", i));
  EXPECT_NEAR(held_out, 1000, 150);
}

// Data directories outlive versions: an event once trained on must never become one that judges.
TEST(ProbeTest, WhichEventsAreHeldOutNeverChanges) {
  std::vector<int> held_out;
  for (int i = 0; held_out.size() < 6; ++i) {
    if (IsProbeEvent(absl::StrCat("event-", i))) held_out.push_back(i);
  }
  EXPECT_EQ(held_out, (std::vector<int>{17, 28, 51, 65, 72, 76}));
}

}  // namespace
}  // namespace mixmatch::server
