#include "server/telemetry/request_context.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace mixmatch::server {
namespace {

constexpr char kTrace[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

TEST(RequestContextTest, TakesIdsOfHarmlessCharactersOnly) {
  for (const char* good : {"a", "8f14e45f-ceea-467a-9b1c-6a0b0d8d5d5e", "trace_1.2", "A-Z"}) {
    EXPECT_TRUE(IsRequestId(good)) << good;
  }
  EXPECT_TRUE(IsRequestId(std::string(64, 'x')));
  EXPECT_FALSE(IsRequestId(std::string(65, 'x')));
  for (const char* bad : {"", " ", "a b", "a\nb", "a\"b", "a=b", "\xc3\xa4", "a/b"}) EXPECT_FALSE(IsRequestId(bad)) << bad;
}

TEST(RequestContextTest, MadeIdsAreWellFormedAndDiffer) {
  std::set<std::string> seen;
  for (int i = 0; i < 10'000; ++i) {
    const std::string id = NewRequestId();
    EXPECT_EQ(id.size(), 16u);
    EXPECT_TRUE(IsRequestId(id));
    EXPECT_TRUE(seen.insert(id).second) << id;
  }
}

TEST(RequestContextTest, TakesTraceContextsAsTheStandardHasThem) {
  EXPECT_TRUE(IsTraceparent(kTrace));
  EXPECT_TRUE(IsTraceparent("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-the-future-brings"));
}

TEST(RequestContextTest, TakesNothingElseForATraceContext) {
  const std::string good = kTrace;
  EXPECT_FALSE(IsTraceparent(""));
  EXPECT_FALSE(IsTraceparent(good.substr(1)));
  EXPECT_FALSE(IsTraceparent(good + "-more")) << "version 00 ends there";
  EXPECT_FALSE(IsTraceparent("ff" + good.substr(2))) << "a version that the standard forbids";
  EXPECT_FALSE(IsTraceparent("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01")) << "capitals";
  EXPECT_FALSE(IsTraceparent("00-00000000000000000000000000000000-b7ad6b7169203331-01")) << "no trace";
  EXPECT_FALSE(IsTraceparent("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01")) << "no parent";
  EXPECT_FALSE(IsTraceparent("00-0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331-01"));
  EXPECT_FALSE(IsTraceparent("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" + std::string(1000, 'x')));
}

}  // namespace
}  // namespace mixmatch::server
