#include "server/access/user_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "google/protobuf/util/time_util.h"
#include "server/access/secret.h"

namespace mixmatch::server {
namespace {

using google::protobuf::util::TimeUtil;
using ::testing::HasSubstr;
using ::testing::Not;

class UserBookTest : public testing::Test {
 protected:
  UserBookTest() {
    path_ = testing::TempDir() + "/user_book_" + testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(path_);
    Reopen();
  }
  ~UserBookTest() override {
    users_.reset();
    store_.reset();
    std::filesystem::remove_all(path_);
  }

  void Reopen() {
    users_.reset();
    store_.reset();
    index::StoreOptions options;
    options.path = path_;
    store_ = index::Store::Open(options).value();
    users_ = UserBook::Open(*store_).value();
  }

  v1::User Put(const std::string& name, std::vector<v1::Role> roles) {
    v1::User user;
    user.set_name(name);
    for (const v1::Role role : roles) user.add_roles(role);
    return users_->PutUser(user).value();
  }

  v1::CreateTokenResponse Token(const std::string& user, absl::Time expires = absl::InfiniteFuture()) {
    v1::CreateTokenRequest request;
    request.set_user(user);
    if (expires < absl::InfiniteFuture()) {
      *request.mutable_expire_time() = TimeUtil::SecondsToTimestamp(absl::ToUnixSeconds(expires));
    }
    return users_->CreateToken(request, now_).value();
  }

  absl::Status Call(const std::string& secret) { return users_->ByToken(secret, now_).status(); }

  std::string path_;
  std::unique_ptr<index::Store> store_;
  std::unique_ptr<UserBook> users_;
  absl::Time now_ = absl::Now();
};

TEST(SecretTest, EachIsAnotherAndNamesItsToken) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::string secret = MakeSecret().value();
    EXPECT_EQ(secret.size(), 59u);
    EXPECT_EQ(TokenIdOf(secret).size(), 12u) << secret.substr(0, 15);
    EXPECT_TRUE(seen.insert(secret).second);
  }
}

TEST(SecretTest, OnlyTextOfTheFormHasAnId) {
  const std::string secret = MakeSecret().value();
  for (const std::string& bad : {std::string(), secret + "x", secret.substr(1), "xx_" + secret.substr(3),
                                 "mm_0123456789zz" + secret.substr(15), std::string(59, '_')}) {
    EXPECT_EQ(TokenIdOf(bad), "") << bad;
  }
}

TEST_F(UserBookTest, ATokenIsItsUsersUntilItIsRevoked) {
  Put("ann", {v1::ROLE_READ});
  const auto made = Token("ann");
  const auto identity = users_->ByToken(made.secret(), now_);
  ASSERT_TRUE(identity.ok()) << identity.status();
  EXPECT_EQ(identity->user->name(), "ann");
  EXPECT_EQ(identity->token_id, made.token().token_id());
  ASSERT_TRUE(users_->RevokeToken(made.token().token_id()).ok());
  EXPECT_TRUE(absl::IsUnauthenticated(Call(made.secret())));
}

TEST_F(UserBookTest, UsersAndTokensOutliveARestart) {
  Put("ann", {v1::ROLE_READ, v1::ROLE_LEARN});
  const auto kept = Token("ann"), revoked = Token("ann");
  ASSERT_TRUE(users_->RevokeToken(revoked.token().token_id()).ok());
  Reopen();
  EXPECT_TRUE(Call(kept.secret()).ok());
  EXPECT_FALSE(Call(revoked.secret()).ok());
  EXPECT_EQ(users_->User("ann")->roles_size(), 2);
  EXPECT_EQ(users_->Tokens("").size(), 2u);
}

TEST_F(UserBookTest, NoSecretIsStored) {
  Put("ann", {v1::ROLE_READ});
  const auto made = Token("ann");
  const std::string record = store_->GetMeta("access").value();
  EXPECT_FALSE(absl::StrContains(record, made.secret().substr(16)));
  EXPECT_TRUE(absl::StrContains(record, HashOf(made.secret())));
}

TEST_F(UserBookTest, WrongAndUnknownTokensGetTheSameAnswer) {
  Put("ann", {v1::ROLE_READ});
  std::string wrong = Token("ann").secret();
  wrong.back() = wrong.back() == 'A' ? 'B' : 'A';
  const absl::Status unknown = Call(MakeSecret().value());
  EXPECT_TRUE(absl::IsUnauthenticated(unknown));
  EXPECT_EQ(Call(wrong), unknown);
  EXPECT_EQ(Call("hunter2"), unknown);
}

TEST_F(UserBookTest, OnlyTheHolderOfARightSecretLearnsWhyItIsRefused) {
  Put("ann", {v1::ROLE_READ});
  const auto brief = Token("ann", now_ + absl::Seconds(30));
  EXPECT_TRUE(Call(brief.secret()).ok());
  now_ += absl::Minutes(1);
  EXPECT_THAT(std::string(Call(brief.secret()).message()), HasSubstr("expired"));
  std::string wrong = brief.secret();
  wrong.back() = wrong.back() == 'A' ? 'B' : 'A';
  EXPECT_THAT(std::string(Call(wrong).message()), Not(HasSubstr("expired")));
}

TEST_F(UserBookTest, ADisabledUserIsRefusedByTokenAndByCertificate) {
  Put("root", {v1::ROLE_ADMIN});
  v1::User ann = Put("ann", {v1::ROLE_READ});
  const auto made = Token("ann");
  EXPECT_TRUE(users_->ByCertificate("ann").ok());
  ann.set_disabled(true);
  ASSERT_TRUE(users_->PutUser(ann).ok());
  EXPECT_TRUE(absl::IsUnauthenticated(Call(made.secret())));
  EXPECT_TRUE(absl::IsUnauthenticated(users_->ByCertificate("ann").status()));
  EXPECT_TRUE(absl::IsUnauthenticated(users_->ByCertificate("nobody").status()));
}

TEST_F(UserBookTest, ADeletedUsersTokensAreGone) {
  Put("root", {v1::ROLE_ADMIN});
  Put("ann", {v1::ROLE_READ});
  const auto made = Token("ann");
  ASSERT_TRUE(users_->DeleteUser("ann").ok());
  EXPECT_FALSE(Call(made.secret()).ok());
  EXPECT_TRUE(users_->Tokens("").empty());
  Put("ann", {v1::ROLE_READ});
  EXPECT_FALSE(Call(made.secret()).ok());
}

TEST_F(UserBookTest, TheLastAdministratorStays) {
  Put("ann", {v1::ROLE_READ});
  v1::User root = Put("root", {v1::ROLE_ADMIN});
  EXPECT_TRUE(absl::IsFailedPrecondition(users_->DeleteUser("root")));
  root.set_disabled(true);
  EXPECT_TRUE(absl::IsFailedPrecondition(users_->PutUser(root).status()));
  root.set_disabled(false);
  root.clear_roles();
  EXPECT_TRUE(absl::IsFailedPrecondition(users_->PutUser(root).status()));
  Put("eve", {v1::ROLE_ADMIN});
  EXPECT_TRUE(users_->DeleteUser("root").ok());
}

TEST_F(UserBookTest, TheAdminTokenEnablesItsUserAgainAndIsNotStored) {
  const std::string secret = "an-admin-token-of-enough-characters-1";
  EXPECT_TRUE(absl::IsInvalidArgument(users_->SetAdminToken("too short")));
  EXPECT_TRUE(users_->IsClosed(false));
  ASSERT_TRUE(users_->SetAdminToken(secret).ok());
  EXPECT_FALSE(users_->IsClosed(false));
  EXPECT_EQ(users_->ByToken(secret, now_)->user->name(), "admin");
  Put("root", {v1::ROLE_ADMIN});
  v1::User admin = *users_->User("admin");
  admin.set_disabled(true);
  ASSERT_TRUE(users_->PutUser(admin).ok());
  EXPECT_FALSE(Call(secret).ok());
  Reopen();
  EXPECT_FALSE(Call(secret).ok());
  ASSERT_TRUE(users_->SetAdminToken(secret).ok());
  EXPECT_TRUE(Call(secret).ok());
}

TEST_F(UserBookTest, BadUsersAreRefused) {
  v1::User user;
  for (const char* name : {"", "local", "Ann", "a b", "ann\n", "\xc3\xa4"}) {
    user.set_name(name);
    EXPECT_TRUE(absl::IsInvalidArgument(users_->PutUser(user).status())) << name;
  }
  user.set_name(std::string(65, 'a'));
  EXPECT_TRUE(absl::IsInvalidArgument(users_->PutUser(user).status()));
  user.set_name("ann");
  user.add_roles(v1::ROLE_READ);
  user.add_roles(v1::ROLE_READ);
  EXPECT_TRUE(absl::IsInvalidArgument(users_->PutUser(user).status()));
  user.clear_roles();
  user.mutable_limits()->set_stored_bytes(-1);
  EXPECT_TRUE(absl::IsInvalidArgument(users_->PutUser(user).status()));
}

TEST_F(UserBookTest, ATokenNeedsAUserAndATimeToCome) {
  v1::CreateTokenRequest request;
  request.set_user("nobody");
  EXPECT_TRUE(absl::IsNotFound(users_->CreateToken(request, now_).status()));
  Put("ann", {});
  request.set_user("ann");
  *request.mutable_expire_time() = TimeUtil::SecondsToTimestamp(absl::ToUnixSeconds(now_) - 5);
  EXPECT_TRUE(absl::IsInvalidArgument(users_->CreateToken(request, now_).status()));
  request.clear_expire_time();
  request.set_note(std::string(257, 'n'));
  EXPECT_TRUE(absl::IsInvalidArgument(users_->CreateToken(request, now_).status()));
}

TEST_F(UserBookTest, TokensAreListedNewestFirstWithTheirLastUse) {
  Put("ann", {});
  Put("bob", {});
  const auto first = Token("ann");
  now_ += absl::Minutes(10);
  const auto second = Token("bob");
  ASSERT_TRUE(Call(first.secret()).ok());
  const std::vector<v1::Token> all = users_->Tokens("");
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].token_id(), second.token().token_id());
  EXPECT_FALSE(all[0].has_last_used_time());
  EXPECT_EQ(all[1].last_used_time().seconds(), absl::ToUnixSeconds(now_) / 60 * 60);
  EXPECT_EQ(users_->Tokens("ann").size(), 1u);
}

TEST(HasRoleTest, AdminHasAllAndEachOtherRoleOnlyItself) {
  v1::User user;
  EXPECT_TRUE(HasRole(user, v1::ROLE_UNSPECIFIED));
  EXPECT_FALSE(HasRole(user, v1::ROLE_READ));
  user.add_roles(v1::ROLE_WRITE);
  EXPECT_FALSE(HasRole(user, v1::ROLE_READ));
  EXPECT_FALSE(HasRole(user, v1::ROLE_ADMIN));
  user.set_roles(0, v1::ROLE_ADMIN);
  for (const v1::Role role : {v1::ROLE_READ, v1::ROLE_WRITE, v1::ROLE_LEARN, v1::ROLE_ADMIN}) {
    EXPECT_TRUE(HasRole(user, role));
  }
}

}  // namespace
}  // namespace mixmatch::server
