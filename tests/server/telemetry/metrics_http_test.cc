#include "server/telemetry/metrics_http.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace mixmatch::server {
namespace {

using ::testing::HasSubstr;

class MetricsHttpTest : public ::testing::Test {
 protected:
  MetricsHttpTest() {
    MetricsHttp::Answers answers;
    answers.metrics = [] { return std::string("up 1\n"); };
    answers.not_ready = [this] { return why_; };
    http_ = MetricsHttp::Start("127.0.0.1:0", std::move(answers));
  }

  std::string why_;
  absl::StatusOr<std::unique_ptr<MetricsHttp>> http_;
};

TEST_F(MetricsHttpTest, AnswersItsThreePaths) {
  ASSERT_TRUE(http_.ok()) << http_.status();
  httplib::Client client("127.0.0.1", (*http_)->port());
  const auto metrics = client.Get("/metrics");
  ASSERT_TRUE(metrics);
  EXPECT_EQ(metrics->status, 200);
  EXPECT_EQ(metrics->body, "up 1\n");
  EXPECT_THAT(metrics->get_header_value("Content-Type"), HasSubstr("version=0.0.4"));
  EXPECT_EQ(client.Get("/healthz")->status, 200);
  EXPECT_EQ(client.Get("/readyz")->status, 200);
  EXPECT_EQ(client.Get("/")->status, 404);
}

TEST_F(MetricsHttpTest, SaysWhyItIsNotReady) {
  ASSERT_TRUE(http_.ok()) << http_.status();
  why_ = "not serving";
  httplib::Client client("127.0.0.1", (*http_)->port());
  const auto ready = client.Get("/readyz");
  ASSERT_TRUE(ready);
  EXPECT_EQ(ready->status, 503);
  EXPECT_EQ(ready->body, "not serving\n");
  EXPECT_EQ(client.Get("/healthz")->status, 200) << "the process is alive all the same";
}

TEST_F(MetricsHttpTest, TakesNoOtherMethodAndNoLargeBody) {
  ASSERT_TRUE(http_.ok()) << http_.status();
  httplib::Client client("127.0.0.1", (*http_)->port());
  const auto post = client.Post("/metrics", "x", "text/plain");
  ASSERT_TRUE(post);
  EXPECT_GE(post->status, 400);
  const auto large = client.Post("/metrics", std::string(1 << 20, 'x'), "text/plain");
  EXPECT_TRUE(!large || large->status >= 400);
  EXPECT_EQ(client.Get("/healthz")->status, 200) << "it goes on";
}

TEST_F(MetricsHttpTest, APortThatIsTakenIsAClearErrorAndNotShared) {
  ASSERT_TRUE(http_.ok()) << http_.status();
  const auto second = MetricsHttp::Start(absl::StrCat("127.0.0.1:", (*http_)->port()), {});
  EXPECT_TRUE(absl::IsFailedPrecondition(second.status())) << second.status();
  for (const char* bad : {"7412", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:70000", ":1"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(MetricsHttp::Start(bad, {}).status())) << bad;
  }
}

}  // namespace
}  // namespace mixmatch::server
