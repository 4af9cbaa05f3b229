#include "server/probe.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "server/training_events.h"

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

TEST(ProbeTest, DriftIsTheMeanCosineDistanceOfThePartsThatBothProbesSaw) {
  ProbeResult a, b;
  a.outputs = {{1, {1.0f, 0.0f}}, {2, {1.0f, 0.0f}}, {3, {0.0f, 1.0f}}, {4, {1.0f, 0.0f}}};
  b.outputs = {{1, {1.0f, 0.0f}}, {2, {0.0f, 1.0f}}, {3, {0.6f, 0.8f}}, {5, {1.0f, 0.0f}}};
  ASSERT_TRUE(Drift(a, b).has_value());
  EXPECT_NEAR(*Drift(a, b), (0.0 + 1.0 + 0.2) / 3.0, 1e-6);
  EXPECT_EQ(*Drift(a, a), 0.0);
  EXPECT_FALSE(Drift(a, ProbeResult()).has_value());
  b.outputs = {{1, {1.0f, 0.0f, 0.0f}}};
  EXPECT_FALSE(Drift(a, b).has_value()) << "trunks of another size have no common measure";
}

}  // namespace
}  // namespace mixmatch::server
