#include "server/access/user_book.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "google/protobuf/util/time_util.h"
#include "proto/base/status_macros.h"
#include "server/access/secret.h"
#include "server/event_links.h"

namespace mixmatch::server {
namespace {

using google::protobuf::util::TimeUtil;
using storage::v1::StoredToken;

constexpr char kMetaKey[] = "access";
constexpr size_t kMostUsers = 10'000;
constexpr size_t kMostTokens = 20'000;  // The record is written as a whole.
constexpr size_t kMostNote = 256;
constexpr size_t kLeastAdminToken = 32;
constexpr char kNotValid[] =
    "authorization: the token is not valid here; an administrator makes one with: mixmatch admin tokens create USER";

absl::Time TimeOf(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

bool IsEnded(const v1::Token& token, absl::Time now) {
  return token.has_revoke_time() || (token.has_expire_time() && TimeOf(token.expire_time()) <= now);
}

bool IsAdministrator(const v1::User& user) { return !user.disabled() && HasRole(user, v1::ROLE_ADMIN); }

absl::Status CheckName(absl::string_view name) {
  const auto is_allowed = [](char c) {
    return absl::ascii_islower(static_cast<unsigned char>(c)) || absl::ascii_isdigit(static_cast<unsigned char>(c)) ||
           absl::string_view("-_.@").find(c) != absl::string_view::npos;
  };
  if (name.empty() || name.size() > 64 || !std::all_of(name.begin(), name.end(), is_allowed)) {
    return absl::InvalidArgumentError("user.name: wanted 1 to 64 of a-z, 0-9, '-', '_', '.', '@'");
  }
  if (name == kLocalPrincipal) {
    return absl::InvalidArgumentError("user.name: \"local\" is everyone's where the server is open; take another");
  }
  return absl::OkStatus();
}

absl::Status CheckUser(const v1::User& user) {
  MIXMATCH_RETURN_IF_ERROR(CheckName(user.name()));
  std::vector<int> roles(user.roles().begin(), user.roles().end());
  for (const int role : roles) {
    if (role == v1::ROLE_UNSPECIFIED || !v1::Role_IsValid(role)) {
      return absl::InvalidArgumentError(absl::StrCat("user.roles: got ", role, ", wanted read, write, learn or admin"));
    }
  }
  std::sort(roles.begin(), roles.end());
  if (std::adjacent_find(roles.begin(), roles.end()) != roles.end()) {
    return absl::InvalidArgumentError("user.roles: got one twice, wanted each once");
  }
  const v1::UserLimits& limits = user.limits();
  if (!std::isfinite(limits.requests_per_second()) || limits.requests_per_second() < 0 ||
      limits.concurrent_requests() < 0 || limits.upload_bytes_per_day() < 0 || limits.stored_bytes() < 0) {
    return absl::InvalidArgumentError("user.limits: wanted numbers from 0 on");
  }
  return absl::OkStatus();
}

// Makes room for one more, if only tokens that ended are in the way.
absl::Status MakeRoom(absl::flat_hash_map<std::string, std::shared_ptr<const StoredToken>>& tokens, absl::Time now) {
  if (tokens.size() < kMostTokens) return absl::OkStatus();
  const auto made = [](const auto& entry) { return TimeOf(entry->second->token().create_time()); };
  auto oldest = tokens.end();
  for (auto it = tokens.begin(); it != tokens.end(); ++it) {
    if (!IsEnded(it->second->token(), now)) continue;
    if (oldest == tokens.end() || made(it) < made(oldest)) oldest = it;
  }
  if (oldest == tokens.end()) {
    return absl::FailedPreconditionError(
        absl::StrCat("token: there are ", kMostTokens, " that are valid, no more are kept; revoke some"));
  }
  tokens.erase(oldest);
  return absl::OkStatus();
}

}  // namespace

bool HasRole(const v1::User& user, v1::Role role) {
  if (role == v1::ROLE_UNSPECIFIED) return true;
  return std::any_of(user.roles().begin(), user.roles().end(),
                     [role](int has) { return has == role || has == v1::ROLE_ADMIN; });
}

absl::StatusOr<std::unique_ptr<UserBook>> UserBook::Open(index::Store& store) {
  std::unique_ptr<UserBook> users(new UserBook(store));
  const auto stored = store.GetMeta(kMetaKey);
  if (absl::IsNotFound(stored.status())) return users;
  MIXMATCH_RETURN_IF_ERROR(stored.status());
  storage::v1::AccessRecord record;
  if (!record.ParseFromString(*stored)) {
    return absl::DataLossError("users: the record of users and tokens cannot be read; restore the data from a backup");
  }
  auto book = std::make_shared<Book>();
  for (v1::User& user : *record.mutable_users()) {
    std::string name = user.name();
    book->users[std::move(name)] = std::make_shared<const v1::User>(std::move(user));
  }
  for (StoredToken& token : *record.mutable_tokens()) {
    std::string id = token.token().token_id();
    book->tokens[std::move(id)] = std::make_shared<const StoredToken>(std::move(token));
  }
  const absl::MutexLock lock(&users->mutex_);
  users->book_ = std::move(book);
  return users;
}

std::shared_ptr<const UserBook::Book> UserBook::Now() const {
  const absl::MutexLock lock(&mutex_);
  return book_;
}

absl::Status UserBook::Replace(Book book) {
  storage::v1::AccessRecord record;
  for (const auto& [name, user] : book.users) *record.add_users() = *user;
  for (const auto& [id, token] : book.tokens) *record.add_tokens() = *token;
  auto batch = store_.NewBatch();
  batch->PutMeta(kMetaKey, record.SerializeAsString());
  MIXMATCH_RETURN_IF_ERROR(store_.Commit(std::move(batch), /*sync=*/true));
  const absl::MutexLock lock(&mutex_);
  book_ = std::make_shared<const Book>(std::move(book));
  for (auto it = used_.begin(); it != used_.end();) {
    if (it->first == kAdminTokenId || book_->tokens.contains(it->first)) {
      ++it;
    } else {
      used_.erase(it++);
    }
  }
  return absl::OkStatus();
}

absl::Status UserBook::CheckAdministrable(const Book& before, const Book& after) const {
  const auto has_one = [](const Book& book) {
    return std::any_of(book.users.begin(), book.users.end(),
                       [](const auto& entry) { return IsAdministrator(*entry.second); });
  };
  if (!has_one(before) || has_one(after)) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "user: nobody could administer the server any more; give the role admin to another user first");
}

absl::Status UserBook::SetAdminToken(absl::string_view secret) {
  if (secret.size() < kLeastAdminToken) {
    return absl::InvalidArgumentError(
        absl::StrCat("the admin token: wanted at least ", kLeastAdminToken,
                     " characters; make one with: head -c 32 /dev/urandom | base64"));
  }
  admin_hash_ = HashOf(secret);
  const std::shared_ptr<const v1::User> known = User(kAdminUser);
  if (known != nullptr && IsAdministrator(*known)) return absl::OkStatus();
  v1::User admin = known == nullptr ? v1::User() : *known;
  admin.set_name(kAdminUser);
  admin.set_disabled(false);
  if (!HasRole(admin, v1::ROLE_ADMIN)) admin.add_roles(v1::ROLE_ADMIN);
  return PutUser(std::move(admin)).status();
}

absl::StatusOr<Identity> UserBook::ByToken(absl::string_view secret, absl::Time now) {
  const std::string hash = HashOf(secret);
  const std::shared_ptr<const Book> book = Now();
  std::string user_name, token_id;
  if (!admin_hash_.empty() && SameHash(hash, admin_hash_)) {
    user_name = kAdminUser;
    token_id = kAdminTokenId;
  } else {
    const auto found = book->tokens.find(TokenIdOf(secret));
    if (found == book->tokens.end() || !SameHash(hash, found->second->sha256())) {
      return absl::UnauthenticatedError(kNotValid);
    }
    const v1::Token& token = found->second->token();
    if (IsEnded(token, now)) {
      return absl::UnauthenticatedError(absl::StrCat("authorization: token ", token.token_id(),
                                                     token.has_revoke_time() ? " was revoked" : " has expired",
                                                     "; ask an administrator for another"));
    }
    user_name = token.user();
    token_id = token.token_id();
  }
  const auto user = book->users.find(user_name);
  if (user == book->users.end()) return absl::UnauthenticatedError(kNotValid);
  if (user->second->disabled()) {
    return absl::UnauthenticatedError("authorization: the user is disabled; ask an administrator");
  }
  NoteUse(token_id, now);
  return Identity{user->second, token_id};
}

absl::StatusOr<Identity> UserBook::ByCertificate(absl::string_view common_name) const {
  std::shared_ptr<const v1::User> user = User(common_name);
  if (user == nullptr || user->disabled()) {
    return absl::UnauthenticatedError(
        "client certificate: its common name is no user here, or is disabled; an administrator makes one with: "
        "mixmatch admin users put NAME --roles ROLES");
  }
  return Identity{std::move(user), ""};
}

std::shared_ptr<const v1::User> UserBook::User(absl::string_view name) const {
  const std::shared_ptr<const Book> book = Now();
  const auto found = book->users.find(name);
  return found == book->users.end() ? nullptr : found->second;
}

bool UserBook::IsClosed(bool certificates) const {
  if (!admin_hash_.empty()) return false;
  const std::shared_ptr<const Book> book = Now();
  return book->users.empty() || (book->tokens.empty() && !certificates);
}

void UserBook::NoteUse(const std::string& token_id, absl::Time now) {
  const absl::Time minute = absl::FromUnixSeconds(absl::ToUnixSeconds(now) / 60 * 60);
  const absl::MutexLock lock(&mutex_);
  absl::Time& last = used_.try_emplace(token_id, absl::InfinitePast()).first->second;
  last = std::max(last, minute);
}

absl::StatusOr<v1::User> UserBook::PutUser(v1::User user) {
  MIXMATCH_RETURN_IF_ERROR(CheckUser(user));
  user.clear_stored_bytes();
  const absl::MutexLock lock(&editing_);
  const std::shared_ptr<const Book> before = Now();
  Book after = *before;
  const auto known = after.users.find(user.name());
  if (known != after.users.end()) {
    *user.mutable_create_time() = known->second->create_time();
  } else if (after.users.size() >= kMostUsers) {
    return absl::FailedPreconditionError(absl::StrCat("user: there are ", kMostUsers, ", no more are kept"));
  } else {
    *user.mutable_create_time() = TimeUtil::GetCurrentTime();
  }
  after.users[user.name()] = std::make_shared<const v1::User>(user);
  MIXMATCH_RETURN_IF_ERROR(CheckAdministrable(*before, after));
  MIXMATCH_RETURN_IF_ERROR(Replace(std::move(after)));
  return user;
}

absl::Status UserBook::DeleteUser(const std::string& name) {
  const absl::MutexLock lock(&editing_);
  const std::shared_ptr<const Book> before = Now();
  Book after = *before;
  if (after.users.erase(name) == 0) return absl::NotFoundError("name: no user with it");
  for (auto it = after.tokens.begin(); it != after.tokens.end();) {
    if (it->second->token().user() == name) {
      after.tokens.erase(it++);
    } else {
      ++it;
    }
  }
  MIXMATCH_RETURN_IF_ERROR(CheckAdministrable(*before, after));
  return Replace(std::move(after));
}

absl::StatusOr<v1::CreateTokenResponse> UserBook::CreateToken(const v1::CreateTokenRequest& request, absl::Time now) {
  if (request.note().size() > kMostNote) {
    return absl::InvalidArgumentError(
        absl::StrCat("note: got ", request.note().size(), " bytes, wanted at most ", kMostNote));
  }
  if (request.has_expire_time() && (request.expire_time().seconds() > TimeUtil::kTimestampMaxSeconds ||
                                    TimeOf(request.expire_time()) <= now)) {
    return absl::InvalidArgumentError("expire_time: wanted a time that is yet to come");
  }
  const absl::MutexLock lock(&editing_);
  Book after = *Now();
  if (after.users.count(request.user()) == 0) return absl::NotFoundError("user: no user with this name");
  MIXMATCH_RETURN_IF_ERROR(MakeRoom(after.tokens, now));
  v1::CreateTokenResponse response;
  MIXMATCH_ASSIGN_OR_RETURN(*response.mutable_secret(), MakeSecret());
  auto stored = std::make_shared<StoredToken>();
  v1::Token& token = *stored->mutable_token();
  token.set_token_id(std::string(TokenIdOf(response.secret())));
  token.set_user(request.user());
  token.set_note(request.note());
  *token.mutable_create_time() = TimeUtil::NanosecondsToTimestamp(absl::ToUnixNanos(now));
  if (request.has_expire_time()) *token.mutable_expire_time() = request.expire_time();
  stored->set_sha256(HashOf(response.secret()));
  *response.mutable_token() = token;
  if (!after.tokens.emplace(token.token_id(), std::move(stored)).second) {
    return absl::UnavailableError("token: its id is taken by chance; try again");
  }
  MIXMATCH_RETURN_IF_ERROR(Replace(std::move(after)));
  return response;
}

absl::StatusOr<v1::Token> UserBook::RevokeToken(const std::string& token_id) {
  if (token_id == kAdminTokenId) {
    return absl::FailedPreconditionError(
        "token_id: this one is in --admin-token-file; change or remove the file and start the server again");
  }
  const absl::MutexLock lock(&editing_);
  Book after = *Now();
  const auto found = after.tokens.find(token_id);
  if (found == after.tokens.end()) return absl::NotFoundError("token_id: no token with it");
  if (found->second->token().has_revoke_time()) return found->second->token();
  auto revoked = std::make_shared<StoredToken>(*found->second);
  *revoked->mutable_token()->mutable_revoke_time() = TimeUtil::GetCurrentTime();
  const v1::Token token = revoked->token();
  found->second = std::move(revoked);
  MIXMATCH_RETURN_IF_ERROR(Replace(std::move(after)));
  return token;
}

std::vector<v1::User> UserBook::Users(absl::string_view after, size_t most) const {
  const std::shared_ptr<const Book> book = Now();
  std::vector<v1::User> users;
  for (auto it = book->users.upper_bound(after); it != book->users.end() && users.size() < most; ++it) {
    users.push_back(*it->second);
  }
  return users;
}

std::vector<v1::Token> UserBook::Tokens(absl::string_view user) const {
  std::vector<v1::Token> tokens;
  const std::shared_ptr<const Book> book = Now();
  for (const auto& [id, stored] : book->tokens) {
    if (user.empty() || stored->token().user() == user) tokens.push_back(stored->token());
  }
  std::sort(tokens.begin(), tokens.end(), [](const v1::Token& a, const v1::Token& b) {
    const absl::Time made_a = TimeOf(a.create_time()), made_b = TimeOf(b.create_time());
    return made_a != made_b ? made_a > made_b : a.token_id() < b.token_id();
  });
  const absl::MutexLock lock(&mutex_);
  for (v1::Token& token : tokens) {
    const auto used = used_.find(token.token_id());
    if (used == used_.end()) continue;
    *token.mutable_last_used_time() = TimeUtil::SecondsToTimestamp(absl::ToUnixSeconds(used->second));
  }
  return tokens;
}

}  // namespace mixmatch::server
