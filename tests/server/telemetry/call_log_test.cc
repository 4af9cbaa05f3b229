#include "server/telemetry/call_log.h"

#include <gmock/gmock.h>
#include <grpcpp/test/server_context_test_spouse.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "server/telemetry/request_context.h"

namespace mixmatch::server {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kTrace[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

class CallLogTest : public ::testing::Test {
 protected:
  CallLogTest() : before_(spdlog::default_logger()) {
    auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(lines_);
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("test", sink));
    spdlog::set_pattern("%l %v");
  }
  ~CallLogTest() override { spdlog::set_default_logger(before_); }

  // What is logged of a call that ends like this.
  std::string Log(CallLog& log, const char* rpc, const absl::Status& status, absl::Duration took) {
    lines_.str("");
    Call call{RpcNamed(rpc), context_, absl::Now(), {}};
    log.Began(call);
    log.Ended(call, status, took);
    caller_ = call.caller;
    return lines_.str();
  }

  void Send(const std::string& key, const std::string& value) {
    client_.AddClientMetadata(key, value);
  }
  std::string Trailing(const char* key) {
    const auto metadata = client_.GetTrailingMetadata();
    const auto found = metadata.find(key);
    return found == metadata.end() ? "" : found->second;
  }

  std::shared_ptr<spdlog::logger> before_;
  std::ostringstream lines_;
  grpc::ServerContext context_;
  grpc::testing::ServerContextTestSpouse client_{&context_};  // Owns the metadata that the context looks at.
  Caller caller_;
};

TEST_F(CallLogTest, KeepsAWellFormedIdAndTraceAndGivesBothBack) {
  CallLog log(absl::Seconds(1));
  Send(kRequestIdKey, "order-17");
  Send(kTraceparentKey, kTrace);
  const std::string line = Log(log, "ItemService/Get", absl::NotFoundError("item_id: no item 3"), absl::Milliseconds(2));
  EXPECT_EQ(line, absl::StrCat("info call failed rpc=ItemService/Get code=NOT_FOUND ms=2.0 request_id=order-17 traceparent=",
                               kTrace, "\n"));
  EXPECT_EQ(caller_.request_id, "order-17");
  EXPECT_EQ(caller_.traceparent, kTrace);
  EXPECT_EQ(Trailing(kRequestIdKey), "order-17");
  EXPECT_EQ(Trailing(kTraceparentKey), kTrace);
}

TEST_F(CallLogTest, ReplacesAnIdThatCouldForgeALogLineAndDropsABadTrace) {
  CallLog log(absl::Seconds(1));
  Send(kRequestIdKey, "x level=error");
  Send(kTraceparentKey, "nonsense");
  const std::string line = Log(log, "ItemService/Get", absl::NotFoundError("item_id"), absl::Milliseconds(2));
  EXPECT_THAT(line, Not(HasSubstr("level=error")));
  EXPECT_THAT(line, Not(HasSubstr("nonsense")));
  EXPECT_EQ(Trailing(kRequestIdKey).size(), 16u);
  EXPECT_THAT(Trailing(kTraceparentKey), IsEmpty());
}

TEST_F(CallLogTest, SaysWhyOnlyWhereTheFaultIsTheServers) {
  CallLog log(absl::Seconds(1));
  EXPECT_THAT(Log(log, "ItemService/Get", absl::InternalError("store: broken disk"), absl::Milliseconds(2)),
              HasSubstr("error call failed rpc=ItemService/Get code=INTERNAL ms=2.0 request_id="));
  EXPECT_THAT(lines_.str(), HasSubstr("error=\"store: broken disk\""));
  EXPECT_THAT(Log(log, "ItemService/Get", absl::InvalidArgumentError("a secret word"), absl::Milliseconds(2)),
              Not(HasSubstr("secret")));
}

TEST_F(CallLogTest, NotesSlowCallsButNotStreamsAndWaitsForWhichTimeIsNoFault) {
  CallLog log(absl::Milliseconds(100));
  EXPECT_THAT(Log(log, "SearchService/Search", absl::OkStatus(), absl::Milliseconds(99)), IsEmpty());
  EXPECT_THAT(Log(log, "SearchService/Search", absl::OkStatus(), absl::Milliseconds(101)),
              HasSubstr("warning slow call rpc=SearchService/Search code=OK ms=101.0"));
  EXPECT_THAT(Log(log, "ItemService/Upload", absl::OkStatus(), absl::Seconds(9)), IsEmpty());
  EXPECT_THAT(Log(log, "LearningService/Watch", absl::CancelledError("watch"), absl::Seconds(9)), IsEmpty());
  EXPECT_THAT(Log(log, "AdminService/WaitOperation", absl::OkStatus(), absl::Seconds(9)), IsEmpty());
  CallLog none(absl::ZeroDuration());
  EXPECT_THAT(Log(none, "SearchService/Search", absl::OkStatus(), absl::Hours(1)), IsEmpty());
}

TEST_F(CallLogTest, WritesABoundedNumberOfLinesASecond) {
  CallLog log(absl::Seconds(1));
  int lines = 0;
  const absl::Time begin = absl::Now();
  for (int i = 0; i < 5000; ++i) {
    if (!Log(log, "ItemService/Get", absl::NotFoundError("item_id"), absl::Milliseconds(1)).empty()) ++lines;
  }
  const int seconds = static_cast<int>(absl::ToInt64Seconds(absl::Now() - begin)) + 2;
  EXPECT_LE(lines, 100 * seconds);
}

}  // namespace
}  // namespace mixmatch::server
