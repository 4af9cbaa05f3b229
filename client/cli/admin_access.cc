#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/cli/command.h"
#include "client/cli/format.h"
#include "client/cli/paging.h"
#include "google/protobuf/util/time_util.h"

namespace mixmatch::client {
namespace {

using google::protobuf::util::TimeUtil;

template <typename Roles>
std::string RolesText(const Roles& roles) {
  return absl::StrJoin(roles, ",", [](std::string* out, int role) {
    const std::string name = v1::Role_Name(static_cast<v1::Role>(role));
    absl::StrAppend(out, absl::AsciiStrToLower(absl::StripPrefix(name, "ROLE_")));
  });
}

// "2026-11-23 18:05", or `absent`.
std::string TimeText(bool present, const google::protobuf::Timestamp& time, absl::string_view absent) {
  if (!present) return std::string(absent);
  return absl::FormatTime("%Y-%m-%d %H:%M", absl::FromUnixSeconds(time.seconds()), absl::UTCTimeZone());
}

std::string LimitsText(const v1::UserLimits& limits) {
  std::vector<std::string> words;
  if (limits.requests_per_second() > 0) words.push_back(absl::StrCat(limits.requests_per_second(), "/s"));
  if (limits.concurrent_requests() > 0) words.push_back(absl::StrCat(limits.concurrent_requests(), " at once"));
  if (limits.upload_bytes_per_day() > 0) words.push_back(Bytes(limits.upload_bytes_per_day()) + " a day");
  if (limits.stored_bytes() > 0) words.push_back(Bytes(limits.stored_bytes()) + " stored");
  return absl::StrJoin(words, ", ");
}

std::vector<std::string> UserCells(const v1::User& user) {
  return {user.name(), RolesText(user.roles()), user.disabled() ? "disabled" : "", LimitsText(user.limits()),
          Bytes(user.stored_bytes())};
}

int WhoAmI(Session& session) {
  const auto who = session.client().WhoAmI();
  if (!who.ok()) return session.Fail(who.status());
  if (session.json) {
    session.out() << Json(*who) << "\n";
    return kOk;
  }
  Table table({"user", who->user()});
  table.Add({"roles", RolesText(who->roles())});
  table.Add({"token", who->token_id()});
  table.Add({"server", who->mode() == v1::ACCESS_MODE_OPEN ? "open to everyone" : "users only"});
  table.Print(session.out(), session.terminal().color);
  return kOk;
}

int ListUsers(Session& session) {
  return PrintPages(
      session, 0, v1::ListUsersRequest(), Table({"user", "roles", "state", "limits", "stored"}),
      [&](const auto& request) { return session.client().ListUsers(request); },
      [](const v1::ListUsersResponse& page) -> const auto& { return page.users(); }, &UserCells);
}

// The user of this name as it is; a new one if there is none.
absl::StatusOr<v1::User> FindUser(Session& session, const std::string& name, bool& known) {
  v1::ListUsersRequest request;
  request.set_page_size(1000);
  do {
    const auto page = session.client().ListUsers(request);
    if (!page.ok()) return page.status();
    for (const v1::User& user : page->users()) {
      known = user.name() == name;
      if (known) return user;
    }
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  v1::User user;
  user.set_name(name);
  return user;
}

// What is not given stays as it is.
struct UserChange {
  std::string name;
  std::vector<std::string> roles;
  bool disable = false;
  bool enable = false;
  double requests_per_second = -1;
  int32_t concurrent_requests = -1;
  int64_t upload_bytes_per_day = -1;
  int64_t stored_bytes = -1;
};

// False: there is no such role.
bool SetRoles(const std::vector<std::string>& names, v1::User& user) {
  user.clear_roles();
  for (const std::string& name : names) {
    if (name == "none" && names.size() == 1) return true;
    v1::Role role;
    if (!v1::Role_Parse("ROLE_" + absl::AsciiStrToUpper(name), &role) || role == v1::ROLE_UNSPECIFIED) return false;
    user.add_roles(role);
  }
  return true;
}

int PutUser(Session& session, const UserChange& change) {
  bool known = false;
  auto user = FindUser(session, change.name, known);
  if (!user.ok()) return session.Fail(user.status());
  if (!known && change.roles.empty()) {
    session.err() << "mixmatch admin users put: --roles: a new user; wanted some of read,write,learn,admin, or none\n";
    return kUsage;
  }
  if (!change.roles.empty() && !SetRoles(change.roles, *user)) {
    session.err() << "mixmatch admin users put: --roles: wanted some of read,write,learn,admin, or none\n";
    return kUsage;
  }
  if (change.disable || change.enable) user->set_disabled(change.disable);
  v1::UserLimits& limits = *user->mutable_limits();
  if (change.requests_per_second >= 0) limits.set_requests_per_second(change.requests_per_second);
  if (change.concurrent_requests >= 0) limits.set_concurrent_requests(change.concurrent_requests);
  if (change.upload_bytes_per_day >= 0) limits.set_upload_bytes_per_day(change.upload_bytes_per_day);
  if (change.stored_bytes >= 0) limits.set_stored_bytes(change.stored_bytes);
  const auto now = session.client().PutUser(*user);
  if (!now.ok()) return session.Fail(now.status());
  if (session.json) {
    session.out() << Json(*now) << "\n";
    return kOk;
  }
  Table table({"user", "roles", "state", "limits", "stored"});
  table.Add(UserCells(*now));
  table.Print(session.out(), session.terminal().color);
  return kOk;
}

int DeleteUser(Session& session, const std::string& name) {
  const absl::Status status = session.client().DeleteUser(name);
  return status.ok() ? kOk : session.Fail(status);
}

int ListTokens(Session& session, const std::string& user) {
  v1::ListTokensRequest first;
  first.set_user(user);
  return PrintPages(
      session, 0, first, Table({"token", "user", "note", "made", "expires", "revoked", "last used"}),
      [&](const auto& request) { return session.client().ListTokens(request); },
      [](const v1::ListTokensResponse& page) -> const auto& { return page.tokens(); },
      [](const v1::Token& token) -> std::vector<std::string> {
        return {token.token_id(),
                token.user(),
                token.note(),
                TimeText(token.has_create_time(), token.create_time(), ""),
                TimeText(token.has_expire_time(), token.expire_time(), "never"),
                TimeText(token.has_revoke_time(), token.revoke_time(), ""),
                TimeText(token.has_last_used_time(), token.last_used_time(), "")};
      });
}

struct TokenRequest {
  std::string user;
  std::string note;
  double days = 0;
};

// The secret alone goes to stdout, so that it can be sent into a file; nothing else of this program prints it.
int CreateToken(Session& session, const TokenRequest& wanted) {
  v1::CreateTokenRequest request;
  request.set_user(wanted.user);
  request.set_note(wanted.note);
  if (wanted.days > 0) {
    const absl::Time end = absl::Now() + absl::Hours(24) * wanted.days;
    *request.mutable_expire_time() = TimeUtil::SecondsToTimestamp(absl::ToUnixSeconds(end));
  }
  const auto made = session.client().CreateToken(request);
  if (!made.ok()) return session.Fail(made.status());
  session.out() << (session.json ? Json(*made) : made->secret()) << "\n";
  if (!session.json) {
    session.err() << "Token " << Printable(made->token().token_id()) << " of user " << Printable(made->token().user())
                  << ". This is the only time that it is shown.\n";
  }
  return session.out().flush().good() ? kOk : kSomeFailed;
}

int RevokeToken(Session& session, const std::string& id) {
  const auto token = session.client().RevokeToken(id);
  if (!token.ok()) return session.Fail(token.status());
  if (session.json) session.out() << Json(*token) << "\n";
  return kOk;
}

void AddUsers(CLI::App& admin, Session& session) {
  CLI::App* users = admin.add_subcommand("users", "Who may call the server: list, put, delete");
  users->require_subcommand(1);
  users->fallthrough();
  users->footer(
      "Examples:\n  mixmatch admin users put ann --roles read,write,learn\n"
      "  mixmatch admin users put camera-3 --roles write --upload-bytes-per-day 10000000000\n"
      "  mixmatch admin users put ann --disable");
  users->add_subcommand("list", "By name")->callback([&session] {
    session.action = [&session] { return ListUsers(session); };
  });
  CLI::App* put = users->add_subcommand("put", "Make a user, or change what is given");
  const auto change = std::make_shared<UserChange>();
  put->add_option("name", change->name, "1 to 64 of a-z, 0-9, '-', '_', '.', '@'")->required();
  put->add_option("--roles", change->roles, "Some of read,write,learn,admin; or none")->delimiter(',');
  CLI::Option* disable = put->add_flag("--disable", change->disable, "Refuse every call; tokens are kept");
  put->add_flag("--enable", change->enable, "Take calls again")->excludes(disable);
  put->add_option("--requests-per-second", change->requests_per_second, "0: the server's default")
      ->check(CLI::NonNegativeNumber);
  put->add_option("--concurrent-requests", change->concurrent_requests, "Likewise")->check(CLI::NonNegativeNumber);
  put->add_option("--upload-bytes-per-day", change->upload_bytes_per_day, "Likewise")->check(CLI::NonNegativeNumber);
  put->add_option("--stored-bytes", change->stored_bytes, "Likewise")->check(CLI::NonNegativeNumber);
  put->callback([&session, change] { session.action = [&session, change] { return PutUser(session, *change); }; });
  CLI::App* remove = users->add_subcommand("delete", "Remove a user with all tokens; what was uploaded stays");
  const auto name = std::make_shared<std::string>();
  remove->add_option("name", *name, "Whom")->required();
  remove->callback([&session, name] { session.action = [&session, name] { return DeleteUser(session, *name); }; });
}

void AddTokens(CLI::App& admin, Session& session) {
  CLI::App* tokens = admin.add_subcommand("tokens", "Users' tokens: create, list, revoke");
  tokens->require_subcommand(1);
  tokens->fallthrough();
  tokens->footer(
      "Examples:\n  (umask 077; mixmatch admin tokens create ann --note laptop --expires-days 90 > ann.token)\n"
      "  mixmatch admin tokens list ann\n  mixmatch admin tokens revoke 0123456789ab");
  CLI::App* create = tokens->add_subcommand("create", "Make one; its secret goes to stdout, once");
  const auto wanted = std::make_shared<TokenRequest>();
  create->add_option("user", wanted->user, "Whose")->required();
  create->add_option("--note", wanted->note, "What it is for");
  create->add_option("--expires-days", wanted->days, "From then on it is refused; default never")
      ->check(CLI::Range(0.0, 36500.0));
  create->callback(
      [&session, wanted] { session.action = [&session, wanted] { return CreateToken(session, *wanted); }; });
  CLI::App* list = tokens->add_subcommand("list", "The newest first, ended ones too");
  const auto user = std::make_shared<std::string>();
  list->add_option("user", *user, "Of this one alone");
  list->callback([&session, user] { session.action = [&session, user] { return ListTokens(session, *user); }; });
  CLI::App* revoke = tokens->add_subcommand("revoke", "End one at once");
  const auto id = std::make_shared<std::string>();
  revoke->add_option("token", *id, "Its id: what stands between the underscores of the secret")->required();
  revoke->callback([&session, id] { session.action = [&session, id] { return RevokeToken(session, *id); }; });
}

}  // namespace

void AddAdminAccess(CLI::App& admin, Session& session) {
  AddUsers(admin, session);
  AddTokens(admin, session);
}

void AddWhoAmI(CLI::App& app, Session& session) {
  app.add_subcommand("whoami", "On whose behalf you call, and what you may do")->callback([&session] {
    session.action = [&session] { return WhoAmI(session); };
  });
}

}  // namespace mixmatch::client
