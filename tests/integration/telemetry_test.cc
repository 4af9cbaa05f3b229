#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sstream>
#include <string>

#include "tests/integration/api.h"
#include "tests/integration/channelz.grpc.pb.h"
#include "tests/integration/server_process.h"

namespace mixmatch {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

constexpr char kTrace[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

class TelemetryTest : public ::testing::Test {
 protected:
  TelemetryTest()
      : server_(scratch_.path() + "/data",
                {"--metrics-listen", "127.0.0.1:0", "--metrics-port-file", scratch_.path() + "/metrics-port", "--admin-listen",
                 "127.0.0.1:0", "--admin-port-file", scratch_.path() + "/admin-port", "--log-format", "json"}) {}

  int Port(const std::string& file) {
    int port = 0;
    std::ifstream(scratch_.path() + "/" + file) >> port;
    return port;
  }

  std::string Scrape() {
    const auto answer = httplib::Client("127.0.0.1", Port("metrics-port")).Get("/metrics");
    return answer && answer->status == 200 ? answer->body : "";
  }

  ScratchDir scratch_;
  ServerProcess server_;
};

// Names of metrics, without the endings that a histogram adds.
std::set<std::string> NamesIn(const std::string& text) {
  static const auto* const name = new std::regex("(mixmatch|process)_[a-z_]+");
  static const auto* const ending = new std::regex("_(bucket|sum|count)$");
  std::set<std::string> names;
  for (std::sregex_iterator at(text.begin(), text.end(), *name), end; at != end; ++at) {
    names.insert(std::regex_replace(at->str(), *ending, ""));
  }
  return names;
}

TEST_F(TelemetryTest, WhatIsCalledIsCountedTimedAndNamedInTheDashboard) {
  ASSERT_TRUE(server_.Start());
  Api api(server_.address());
  const uint64_t item = api.Put("A red engine climbs the hill.", "trip");
  api.Put("A blue boat.", "trip");
  ASSERT_TRUE(api.Search(ByText("engine")).ok());
  EXPECT_FALSE(api.Get(item + 1000).ok());
  const std::string text = Scrape();
  EXPECT_THAT(text, HasSubstr("mixmatch_rpc_duration_seconds_count{rpc=\"ItemService/Upload\",code=\"OK\"} 2"));
  EXPECT_THAT(text, HasSubstr("mixmatch_rpc_duration_seconds_count{rpc=\"ItemService/Get\",code=\"NOT_FOUND\"} 1"));
  EXPECT_THAT(text, HasSubstr("mixmatch_stage_duration_seconds_count{work=\"search\",stage=\"search\"} 1"));
  EXPECT_THAT(text, HasSubstr("mixmatch_items{modality=\"text\"} 2"));
  EXPECT_THAT(text, HasSubstr("mixmatch_events 1\n"));
  EXPECT_EQ(text.find("engine"), std::string::npos) << "a metric must not hold what users sent";

  std::ifstream file(DASHBOARD);
  const nlohmann::json dashboard = nlohmann::json::parse(file);
  const std::set<std::string> known = NamesIn(text);
  int shown = 0;
  for (const auto& panel : dashboard["panels"]) {
    if (!panel.contains("targets")) continue;
    for (const auto& target : panel["targets"]) {
      for (const std::string& name : NamesIn(target["expr"].get<std::string>())) {
        EXPECT_THAT(known, Contains(name)) << "in the panel " << panel["title"];
        ++shown;
      }
    }
  }
  EXPECT_GT(shown, 20);
}

TEST_F(TelemetryTest, EventsAreCountedExactlyAfterARestart) {
  ASSERT_TRUE(server_.Start());
  {
    Api api(server_.address());
    const uint64_t a = api.Put("one", "e1"), b = api.Put("two", "e1"), c = api.Put("three");
    ASSERT_TRUE(api.Link("e2", {a, c}).ok());
    ASSERT_TRUE(api.Link("e3", {b, c}).ok());
    ASSERT_TRUE(api.Unlink("e3").ok());
    EXPECT_EQ(api.Stats().events(), 2u);
    ASSERT_TRUE(api.Delete(c).ok());
    EXPECT_EQ(api.Stats().items(), 2u);
  }
  const uint64_t before = Api(server_.address()).Stats().events();
  server_.Kill();
  ASSERT_TRUE(server_.Start());
  EXPECT_EQ(Api(server_.address()).Stats().events(), before);
}

TEST_F(TelemetryTest, ACallHasItsNamesInTheAnswerAndInTheLog) {
  ASSERT_TRUE(server_.Start());
  Api api(server_.address());
  grpc::ClientContext context;
  context.AddMetadata("x-request-id", "order-17");
  context.AddMetadata("traceparent", kTrace);
  v1::ItemServiceGetRequest request;
  v1::ItemServiceGetResponse response;
  EXPECT_FALSE(api.items->Get(&context, request, &response).ok());
  const auto& trailing = context.GetServerTrailingMetadata();
  ASSERT_EQ(trailing.count("x-request-id"), 1u);
  EXPECT_EQ(trailing.find("x-request-id")->second, "order-17");
  EXPECT_EQ(trailing.find("traceparent")->second, kTrace);
  bool found = false;
  std::istringstream lines(server_.LogTail());
  for (std::string line; std::getline(lines, line);) {
    const auto entry = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    ASSERT_TRUE(entry.is_object()) << line;
    if (entry.value("request_id", "") != "order-17") continue;
    EXPECT_EQ(entry["rpc"], "ItemService/Get");
    EXPECT_EQ(entry["traceparent"], kTrace);
    found = true;
  }
  EXPECT_TRUE(found) << server_.LogTail();
}

TEST_F(TelemetryTest, ChannelzOnTheAdminPortSeesTheMainServerAndIsNotOnTheMainPort) {
  ASSERT_TRUE(server_.Start());
  Api api(server_.address());
  api.Stats();
  grpc::channelz::v1::GetServersResponse servers;
  const auto stub = grpc::channelz::v1::Channelz::NewStub(
      grpc::CreateChannel("127.0.0.1:" + std::to_string(Port("admin-port")), grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  ASSERT_TRUE(stub->GetServers(&context, {}, &servers).ok());
  int64_t most_sockets = 0;
  for (const auto& server : servers.server()) {
    if (server.data().calls_started() == 0) continue;
    grpc::channelz::v1::GetServerSocketsRequest request;
    request.set_server_id(server.ref().server_id());
    grpc::channelz::v1::GetServerSocketsResponse sockets;
    grpc::ClientContext again;
    ASSERT_TRUE(stub->GetServerSockets(&again, request, &sockets).ok());
    most_sockets = std::max<int64_t>(most_sockets, sockets.socket_ref_size());
  }
  EXPECT_EQ(servers.server_size(), 2) << "the main one and this one";
  EXPECT_GE(most_sockets, 1);
  grpc::ClientContext main_context;
  EXPECT_EQ(grpc::channelz::v1::Channelz::NewStub(api.channel)->GetServers(&main_context, {}, &servers).error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(TelemetryTest, AnAdminPortBeyondThisMachineIsRefused) {
  ServerProcess open(scratch_.path() + "/other", {"--admin-listen", "0.0.0.0:0"});
  EXPECT_EQ(open.RunToEnd(), 1);
  EXPECT_THAT(open.LogTail(), HasSubstr("--admin-listen"));
}

}  // namespace
}  // namespace mixmatch
