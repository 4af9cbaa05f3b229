// Who may call a real server: every RPC with every role and every kind of token, TLS, limits, the audit log.
#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/util/time_util.h"
#include "mixmatch/storage/v1/audit.pb.h"
#include "server/rpc/rpc_table.h"
#include "tests/integration/api.h"
#include "tests/integration/certificates.h"
#include "tests/integration/server_process.h"

namespace mixmatch {
namespace {

using google::protobuf::util::TimeUtil;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kAdminToken[] = "the-admin-token-of-these-tests-0123456789";
constexpr std::chrono::seconds kLongest(60);

void Write(const std::string& path, const std::string& text) {
  std::ofstream(path + ".new", std::ios::binary) << text;
  std::filesystem::rename(path + ".new", path);
}

std::string Read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

std::unique_ptr<client::Client> Connect(const std::string& address, client::Credentials credentials) {
  client::ClientOptions options;
  options.address = address;
  options.timeout = absl::Seconds(kLongest.count());
  options.search_tries = 1;
  options.upload_tries = 1;
  options.credentials = std::move(credentials);
  return client::Client::Create(options);
}

client::Credentials WithToken(const std::string& token) {
  client::Credentials credentials;
  credentials.token = token;
  return credentials;
}

v1::User UserOf(const std::string& name, std::vector<v1::Role> roles) {
  v1::User user;
  user.set_name(name);
  for (const v1::Role role : roles) user.add_roles(role);
  return user;
}

absl::StatusOr<v1::CreateTokenResponse> NewToken(client::Client& admin, const std::string& user) {
  v1::CreateTokenRequest request;
  request.set_user(user);
  return admin.CreateToken(request);
}

// Calls any RPC with one empty message; its status code. A call that goes on is cancelled after its first answer.
grpc::StatusCode CallEmpty(const std::shared_ptr<grpc::Channel>& channel, const std::string& name,
                           const std::string& token) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kLongest);
  if (!token.empty()) context.AddMetadata("authorization", "Bearer " + token);
  grpc::GenericStub stub(channel);
  grpc::CompletionQueue queue;
  void* tag = nullptr;
  bool ok = false;
  const auto wait = [&] { return queue.Next(&tag, &ok) && ok; };
  const auto call = stub.PrepareCall(&context, "/mixmatch.v1." + name, &queue);
  call->StartCall(nullptr);
  if (wait()) {
    grpc::Slice empty;
    call->WriteLast(grpc::ByteBuffer(&empty, 1), grpc::WriteOptions(), nullptr);
    wait();
    grpc::ByteBuffer answer;
    call->Read(&answer, nullptr);
    if (wait()) context.TryCancel();
  }
  grpc::Status status;
  call->Finish(&status, nullptr);
  queue.Next(&tag, &ok);
  queue.Shutdown();
  while (queue.Next(&tag, &ok)) {
  }
  return status.error_code();
}

// A server of users, with an administrator.
class AccessTest : public testing::Test {
 protected:
  void Start(const std::vector<std::string>& flags = {}, const std::string& refusals = "0") {
    Write(Path("admin.token"), std::string(kAdminToken) + "\n");
    std::vector<std::string> all = {"--admin-token-file", Path("admin.token"), "--slow-learning", "off",
                                    "--max-refusals-per-minute", refusals};
    all.insert(all.end(), flags.begin(), flags.end());
    server_ = std::make_unique<ServerProcess>(Path("data"), all);
    ASSERT_TRUE(server_->Start());
    admin_ = Connect(server_->address(), WithToken(kAdminToken));
  }

  std::string Path(const std::string& name) const { return dir_.path() + "/" + name; }

  std::string TokenOf(const v1::User& user) {
    EXPECT_TRUE(admin_->PutUser(user).ok());
    const auto made = NewToken(*admin_, user.name());
    EXPECT_TRUE(made.ok()) << made.status();
    return made.ok() ? made->secret() : "";
  }

  ScratchDir dir_;
  std::unique_ptr<ServerProcess> server_;
  std::unique_ptr<client::Client> admin_;
};

TEST_F(AccessTest, EveryRpcAdmitsItsRoleAndNoOther) {
  Start();
  const std::map<v1::Role, std::string> holders = {
      {v1::ROLE_UNSPECIFIED, TokenOf(UserOf("nothing", {}))},
      {v1::ROLE_READ, TokenOf(UserOf("reader", {v1::ROLE_READ}))},
      {v1::ROLE_WRITE, TokenOf(UserOf("writer", {v1::ROLE_WRITE}))},
      {v1::ROLE_LEARN, TokenOf(UserOf("learner", {v1::ROLE_LEARN}))},
      {v1::ROLE_ADMIN, TokenOf(UserOf("root", {v1::ROLE_ADMIN}))}};
  const std::vector<v1::Role> all = {v1::ROLE_READ, v1::ROLE_WRITE, v1::ROLE_LEARN, v1::ROLE_ADMIN};
  const auto revoked = NewToken(*admin_, "root").value();
  ASSERT_TRUE(admin_->RevokeToken(revoked.token().token_id()).ok());
  v1::CreateTokenRequest brief;
  brief.set_user("root");
  *brief.mutable_expire_time() = TimeUtil::SecondsToTimestamp(absl::ToUnixSeconds(absl::Now()) + 2);
  const std::string expired = admin_->CreateToken(brief)->secret();
  v1::User gone = UserOf("gone", all);
  const std::string disabled = TokenOf(gone);
  gone.set_disabled(true);
  ASSERT_TRUE(admin_->PutUser(gone).ok());
  std::string wrong = holders.at(v1::ROLE_ADMIN);
  wrong.back() = wrong.back() == 'A' ? 'E' : 'A';
  while (Connect(server_->address(), WithToken(expired))->WhoAmI().ok()) absl::SleepFor(absl::Milliseconds(50));

  const auto channel = grpc::CreateChannel(server_->address(), grpc::InsecureChannelCredentials());
  for (const server::Rpc& rpc : server::RpcTable()) {
    // Without a handler nobody gets anything.
    if (CallEmpty(channel, rpc.name, holders.at(v1::ROLE_ADMIN)) == grpc::StatusCode::UNIMPLEMENTED) continue;
    for (const std::string& bad : {std::string(), wrong, std::string("hunter2"), expired, revoked.secret(), disabled}) {
      EXPECT_EQ(CallEmpty(channel, rpc.name, bad), grpc::StatusCode::UNAUTHENTICATED)
          << rpc.name << " " << bad.substr(0, 15);
    }
    for (const auto& [role, token] : holders) {
      const grpc::StatusCode code = CallEmpty(channel, rpc.name, token);
      const bool may = rpc.role == v1::ROLE_UNSPECIFIED || role == rpc.role || role == v1::ROLE_ADMIN;
      EXPECT_NE(code, grpc::StatusCode::UNAUTHENTICATED) << rpc.name << " " << v1::Role_Name(role);
      EXPECT_EQ(code == grpc::StatusCode::PERMISSION_DENIED, !may) << rpc.name << " " << v1::Role_Name(role);
    }
  }
  EXPECT_EQ(Api(server_->address()).Health().value_or(0), 1);
}

TEST_F(AccessTest, ACallerIsToldWhoTheyAre) {
  Start();
  const auto ann = Connect(server_->address(), WithToken(TokenOf(UserOf("ann", {v1::ROLE_WRITE}))));
  const auto who = ann->WhoAmI().value();
  EXPECT_EQ(who.user(), "ann");
  EXPECT_EQ(who.mode(), v1::ACCESS_MODE_USERS);
  ASSERT_EQ(who.roles_size(), 1);
  const auto item = ann->UploadBytes(v1::UploadHeader(), "a text of ann");
  ASSERT_TRUE(item.ok()) << item.status();
  const auto listed = admin_->ListUsers(v1::ListUsersRequest());
  ASSERT_TRUE(listed.ok()) << listed.status();
  for (const v1::User& user : listed->users()) {
    EXPECT_EQ(user.stored_bytes(), user.name() == "ann" ? 13 : 0) << user.name();
  }
}

TEST_F(AccessTest, UsersAndTokensOutliveAKill) {
  Start();
  const std::string token = TokenOf(UserOf("ann", {v1::ROLE_READ}));
  server_->Kill();
  ASSERT_TRUE(server_->Start());
  EXPECT_TRUE(Connect(server_->address(), WithToken(token))->Stats().ok());
}

TEST_F(AccessTest, AnOpenServerSaysSoAndReflects) {
  ServerProcess open(Path("open"), {"--slow-learning", "off"});
  ASSERT_TRUE(open.Start());
  const auto who = Connect(open.address(), {})->WhoAmI().value();
  EXPECT_EQ(who.user(), "local");
  EXPECT_EQ(who.mode(), v1::ACCESS_MODE_OPEN);
  EXPECT_THAT(Api(open.address()).ReflectedServices(), testing::Contains("mixmatch.v1.AccessService"));
}

TEST_F(AccessTest, BeyondLoopbackAServerDoesNotStartOpenByItself) {
  ServerProcess nobody(Path("nobody"), {"--listen", "0.0.0.0:0"});
  EXPECT_EQ(nobody.RunToEnd(), 1);
  EXPECT_THAT(nobody.LogTail(), HasSubstr("--admin-token-file"));
  Write(Path("admin.token"), kAdminToken);
  ServerProcess plain(Path("plain"), {"--listen", "0.0.0.0:0", "--admin-token-file", Path("admin.token")});
  EXPECT_EQ(plain.RunToEnd(), 1);
  EXPECT_THAT(plain.LogTail(), HasSubstr("--insecure-tokens"));
  ServerProcess meant(Path("meant"), {"--listen", "0.0.0.0:0", "--access", "open", "--slow-learning", "off"});
  ASSERT_TRUE(meant.Start());
  EXPECT_THAT(meant.LogTail(), HasSubstr("warn"));
}

TEST_F(AccessTest, NoSecretIsInALogOrInTheProcessList) {
  ASSERT_EQ(setenv("MIXMATCH_ADMIN_TOKEN", "an-admin-token-from-the-environment-01", 1), 0);
  ServerProcess server(Path("env"), {"--slow-learning", "off", "--log-level", "debug", "--audit-log", Path("audit")});
  const bool started = server.Start();
  unsetenv("MIXMATCH_ADMIN_TOKEN");
  ASSERT_TRUE(started);
  admin_ = Connect(server.address(), WithToken("an-admin-token-from-the-environment-01"));
  const std::string token = TokenOf(UserOf("ann", {v1::ROLE_READ}));
  EXPECT_FALSE(Connect(server.address(), WithToken("a-wrong-token-that-is-tried"))->Stats().ok());
  EXPECT_TRUE(Connect(server.address(), WithToken(token))->Stats().ok());
  int processes = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string program = Read(entry.path().string() + "/comm");
    if (!absl::StartsWith(program, "mixmatch")) continue;
    const std::string arguments = Read(entry.path().string() + "/cmdline");
    if (!absl::StrContains(arguments, Path("env")) && program != "mixmatch-decod\n") continue;
    ++processes;
    EXPECT_THAT(arguments + Read(entry.path().string() + "/environ"), Not(HasSubstr("an-admin-token")));
  }
  EXPECT_GE(processes, 1);
  for (const std::string& log : {Read(Path("env") + ".log"), Read(Path("audit"))}) {
    EXPECT_THAT(log, Not(IsEmpty()));
    EXPECT_THAT(log, Not(HasSubstr("an-admin-token")));
    EXPECT_THAT(log, Not(HasSubstr("a-wrong-token")));
    EXPECT_THAT(log, Not(HasSubstr(token.substr(16))));
  }
}

TEST_F(AccessTest, TheAuditLogSaysWhoDidWhat) {
  Start({"--audit-log", Path("audit")});
  const auto ann = Connect(server_->address(), WithToken(TokenOf(UserOf("ann", {v1::ROLE_WRITE}))));
  v1::UploadHeader header;
  header.set_name("a-name-that-is-nobodys-business.txt");
  const uint64_t item = ann->UploadBytes(header, "content that is nobody's business")->item().item_id();
  ASSERT_TRUE(ann->Delete(item).ok());
  EXPECT_TRUE(absl::IsPermissionDenied(ann->Stats().status()));
  std::filesystem::rename(Path("audit"), Path("audit.1"));
  server_->Signal(SIGHUP);
  while (!std::filesystem::exists(Path("audit"))) absl::SleepFor(absl::Milliseconds(5));
  EXPECT_FALSE(Connect(server_->address(), WithToken("wrong"))->Stats().ok());

  const std::string text = Read(Path("audit.1")) + Read(Path("audit"));
  EXPECT_THAT(text, Not(HasSubstr("business")));
  std::vector<std::string> seen;
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    storage::v1::AuditLine parsed;
    ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(std::string(line), &parsed).ok()) << line;
    EXPECT_TRUE(absl::StartsWith(parsed.peer(), "ipv4:127.0.0.1:")) << line;
    seen.push_back(absl::StrCat(parsed.user(), " ", parsed.rpc(), " ", parsed.outcome(), " ", parsed.subject()));
  }
  const std::string item_text = absl::StrCat("item ", item);
  EXPECT_THAT(seen, testing::Contains("admin AccessService/PutUser OK user ann"));
  EXPECT_THAT(seen, testing::Contains("ann ItemService/Upload OK " + item_text));
  EXPECT_THAT(seen, testing::Contains("ann ItemService/Delete OK " + item_text));
  EXPECT_THAT(seen, testing::Contains("ann AdminService/Stats PERMISSION_DENIED "));
  EXPECT_EQ(seen.back(), " AdminService/Stats UNAUTHENTICATED ");
}

TEST_F(AccessTest, AUserBeyondItsLimitsIsRefusedAndToldWhenToComeAgain) {
  Start();
  v1::User ann = UserOf("ann", {v1::ROLE_READ, v1::ROLE_WRITE});
  ann.mutable_limits()->set_requests_per_second(0.1);
  const std::string token = TokenOf(ann);
  const auto channel = grpc::CreateChannel(server_->address(), grpc::InsecureChannelCredentials());
  const auto stub = v1::AdminService::NewStub(channel);
  for (int i = 0; i < 2; ++i) {
    grpc::ClientContext context;
    context.AddMetadata("authorization", "bearer " + token);
    v1::StatsResponse response;
    const grpc::Status status = stub->Stats(&context, v1::StatsRequest(), &response);
    if (i == 0) {
      EXPECT_TRUE(status.ok()) << status.error_message();
      continue;
    }
    EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
    const auto pushback = context.GetServerTrailingMetadata().find("grpc-retry-pushback-ms");
    ASSERT_NE(pushback, context.GetServerTrailingMetadata().end());
    EXPECT_GT(std::stoi(std::string(pushback->second.data(), pushback->second.size())), 1000);
  }
}

TEST_F(AccessTest, AUserBeyondItsLimitsOfBytesStoresNoMore) {
  Start();
  v1::User ann = UserOf("ann", {v1::ROLE_WRITE});
  ann.mutable_limits()->set_stored_bytes(100);
  const auto client = Connect(server_->address(), WithToken(TokenOf(ann)));
  ASSERT_TRUE(client->UploadBytes({}, std::string(60, 'a') + " first").ok());
  EXPECT_TRUE(absl::IsResourceExhausted(client->UploadBytes({}, std::string(60, 'b') + " second").status()));
  EXPECT_TRUE(client->UploadBytes({}, "a third").ok());
  ann.mutable_limits()->set_stored_bytes(0);
  ann.mutable_limits()->set_upload_bytes_per_day(200);
  ASSERT_TRUE(admin_->PutUser(ann).ok());
  server_->Stop();
  ASSERT_TRUE(server_->Start());
  admin_ = Connect(server_->address(), WithToken(kAdminToken));
  const auto later = Connect(server_->address(), WithToken(NewToken(*admin_, "ann")->secret()));
  EXPECT_TRUE(absl::IsResourceExhausted(later->UploadBytes({}, std::string(150, 'c')).status()));
  EXPECT_TRUE(later->UploadBytes({}, std::string(100, 'd')).ok());
}

TEST_F(AccessTest, APeerWithoutAValidTokenIsSlowedWhileAValidOneIsServed) {
  Start({}, "3");
  const auto wrong = Connect(server_->address(), WithToken("wrong"));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(absl::IsUnauthenticated(wrong->Stats().status()));
  EXPECT_TRUE(absl::IsResourceExhausted(wrong->Stats().status()));
  EXPECT_TRUE(admin_->Stats().ok());
}

TEST_F(AccessTest, ACallBeyondTheServersDeadlineIsCancelled) {
  Start({"--max-call-seconds", "0.3", "--batch-window-us", "1000000"});
  // The window holds a lone search for a second.
  ASSERT_TRUE(admin_->UploadBytes({}, "a crow").ok());
  const absl::Status late = admin_->Search(ByText("a crow")).status();
  EXPECT_TRUE(absl::IsCancelled(late)) << late;
  EXPECT_EQ(Api(server_->address()).Health().value_or(0), 1);
}

// A server over TLS with files that are changed.
class TlsTest : public AccessTest {
 protected:
  void PutServerCertificate(const TestCa& ca) {
    const IssuedCertificate issued = ca.Issue("localhost");
    Write(Path("tls.key"), issued.key);
    Write(Path("tls.crt"), issued.certificate);
  }
  void StartTls(std::vector<std::string> flags = {}) {
    PutServerCertificate(ca_);
    flags.insert(flags.end(), {"--tls-cert", Path("tls.crt"), "--tls-key", Path("tls.key")});
    Start(flags);
    admin_ = Connect(server_->address(), Trusting(ca_, kAdminToken));
  }
  static client::Credentials Trusting(const TestCa& ca, const std::string& token = "") {
    client::Credentials credentials = WithToken(token);
    credentials.tls = true;
    credentials.tls_ca = ca.certificate();
    return credentials;
  }
  static client::Credentials With(client::Credentials credentials, const IssuedCertificate& own) {
    credentials.tls_certificate = own.certificate;
    credentials.tls_key = own.key;
    return credentials;
  }
  // Whether a new connection is answered.
  absl::Status NewConnection(const client::Credentials& credentials) {
    return Connect(server_->address(), credentials)->WhoAmI().status();
  }
  // Until `done`; files are looked at once a second.
  template <typename Done>
  void WaitUntil(const Done& done) {
    const absl::Time last = absl::Now() + absl::Seconds(60);
    while (!done() && absl::Now() < last) absl::SleepFor(absl::Milliseconds(100));
    EXPECT_TRUE(done());
  }

  TestCa ca_{"a CA"};
  TestCa other_{"another CA"};
};

TEST_F(TlsTest, TlsKeepsOutWhoDoesNotSpeakItOrTrustsAnother) {
  StartTls();
  EXPECT_TRUE(admin_->WhoAmI().ok()) << admin_->WhoAmI().status();
  EXPECT_TRUE(absl::IsUnavailable(NewConnection(WithToken(kAdminToken))));
  EXPECT_TRUE(absl::IsUnavailable(NewConnection(Trusting(other_, kAdminToken))));
  EXPECT_TRUE(absl::IsUnauthenticated(NewConnection(Trusting(ca_))));
}

TEST_F(TlsTest, NewCertificatesAreUsedWithoutARestart) {
  StartTls();
  ASSERT_TRUE(NewConnection(Trusting(ca_, kAdminToken)).ok());
  Write(Path("tls.crt"), "no certificate");
  WaitUntil([&] {
    EXPECT_TRUE(NewConnection(Trusting(ca_, kAdminToken)).ok());
    return absl::StrContains(server_->LogTail(), "stay in use");
  });
  // The certificate of one pair with the key of another.
  Write(Path("tls.crt"), other_.Issue("localhost").certificate);
  WaitUntil([&] {
    EXPECT_TRUE(NewConnection(Trusting(ca_, kAdminToken)).ok());
    return absl::StrContains(server_->LogTail(), "is not the key");
  });
  PutServerCertificate(other_);
  WaitUntil([&] { return NewConnection(Trusting(other_, kAdminToken)).ok(); });
  EXPECT_FALSE(NewConnection(Trusting(ca_, kAdminToken)).ok());
}

TEST_F(TlsTest, ACertificateOfTheClientCaSaysWhoCalls) {
  Write(Path("clients.crt"), ca_.certificate());
  StartTls({"--tls-client-ca", Path("clients.crt")});
  const client::Credentials trust = Trusting(ca_);
  admin_ = Connect(server_->address(), With(Trusting(ca_, kAdminToken), ca_.Issue("somebody")));
  ASSERT_TRUE(admin_->PutUser(UserOf("ann", {v1::ROLE_READ})).ok());
  const auto ann = Connect(server_->address(), With(trust, ca_.Issue("ann")));
  EXPECT_EQ(ann->WhoAmI().value().user(), "ann");
  EXPECT_TRUE(ann->Stats().ok());
  EXPECT_TRUE(absl::IsPermissionDenied(ann->Delete(1)));
  EXPECT_TRUE(absl::IsUnauthenticated(NewConnection(With(trust, ca_.Issue("somebody")))));
  EXPECT_TRUE(absl::IsUnavailable(NewConnection(trust)));
  EXPECT_TRUE(absl::IsUnavailable(NewConnection(With(trust, other_.Issue("ann")))));
  // A new CA of clients keeps the old one's out.
  Write(Path("clients.crt"), other_.certificate());
  WaitUntil([&] { return NewConnection(With(trust, other_.Issue("ann"))).ok(); });
  EXPECT_FALSE(NewConnection(With(trust, ca_.Issue("ann"))).ok());
}

TEST_F(TlsTest, CertificatesThatDoNotFitEndTheStart) {
  PutServerCertificate(ca_);
  Write(Path("tls.key"), other_.Issue("localhost").key);
  ServerProcess server(Path("bad"), {"--tls-cert", Path("tls.crt"), "--tls-key", Path("tls.key")});
  EXPECT_EQ(server.RunToEnd(), 1);
  EXPECT_THAT(server.LogTail(), HasSubstr("is not the key of the certificate"));
}

}  // namespace
}  // namespace mixmatch
