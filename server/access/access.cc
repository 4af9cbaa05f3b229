#include "server/access/access.h"

#include <sys/stat.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "proto/base/status_macros.h"
#include "server/event_links.h"
#include "server/log.h"
#include "server/rpc/retry_after.h"

namespace mixmatch::server {
namespace {

constexpr char kTokenVariable[] = "MIXMATCH_ADMIN_TOKEN";
constexpr size_t kLongestSecret = 4096;

absl::string_view View(const grpc::string_ref& text) { return absl::string_view(text.data(), text.size()); }

std::string RoleName(v1::Role role) {
  return absl::AsciiStrToLower(absl::StripPrefix(v1::Role_Name(role), "ROLE_"));
}

// The token in the call's metadata; "" if there is none.
absl::StatusOr<absl::string_view> BearerToken(const grpc::ServerContext& context) {
  const auto range = context.client_metadata().equal_range("authorization");
  if (range.first == range.second) return "";
  absl::string_view value = View(range.first->second);
  const auto scheme_end = value.find(' ');
  if (std::next(range.first) != range.second || scheme_end == absl::string_view::npos ||
      !absl::EqualsIgnoreCase(value.substr(0, scheme_end), "Bearer")) {
    return absl::UnauthenticatedError("authorization: wanted one, \"Bearer TOKEN\"");
  }
  return absl::StripAsciiWhitespace(value.substr(scheme_end));
}

// The common name of the client's certificate, which the handshake has verified; "" if there is none.
std::string CommonName(const grpc::ServerContext& context) {
  const auto auth = context.auth_context();
  if (auth == nullptr || !auth->IsPeerAuthenticated()) return "";
  const std::vector<grpc::string_ref> names = auth->FindPropertyValues("x509_common_name");
  return names.size() == 1 ? std::string(View(names[0])) : "";
}

absl::StatusOr<std::string> ReadSecret(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string secret(kLongestSecret, '\0');
  file.read(secret.data(), static_cast<std::streamsize>(secret.size()));
  secret.resize(static_cast<size_t>(file.gcount()));
  if (secret.empty()) {
    return absl::FailedPreconditionError(absl::StrCat("--admin-token-file: cannot read ", path, ", or it is empty"));
  }
  struct stat file_stat;
  if (stat(path.c_str(), &file_stat) == 0 && (file_stat.st_mode & S_IROTH) != 0) {
    Log::Warn("--admin-token-file: everyone on this machine may read {}; chmod it to 600", path);
  }
  return std::string(absl::StripAsciiWhitespace(secret));
}

}  // namespace

std::string TakeAdminTokenVariable() {
  char* value = std::getenv(kTokenVariable);
  if (value == nullptr) return "";
  std::string secret(absl::StripAsciiWhitespace(value));
  std::memset(value, 0, std::strlen(value));  // /proc/PID/environ shows these very bytes.
  unsetenv(kTokenVariable);
  return secret;
}

bool IsLoopback(absl::string_view listen) {
  if (absl::StartsWith(listen, "unix:") || absl::StartsWith(listen, "unix-abstract:")) return true;
  const absl::string_view host = listen.substr(0, std::min(listen.rfind(':'), listen.size()));
  if (host == "localhost" || host == "[::1]" || host == "::1") return true;
  const std::vector<absl::string_view> bytes = absl::StrSplit(host, '.');
  return bytes.size() == 4 && bytes[0] == "127";
}

absl::StatusOr<v1::AccessMode> ChooseMode(const AccessOptions& options, absl::string_view listen, bool closed) {
  const bool loopback = IsLoopback(listen);
  const bool configured = !closed || !options.tls.client_ca.empty();
  const bool open = options.access == "open" || (options.access == "default" && loopback && !configured);
  if (open) return v1::ACCESS_MODE_OPEN;
  if (loopback) return v1::ACCESS_MODE_USERS;
  if (closed) {
    return absl::FailedPreconditionError(absl::StrCat(
        "--access: the server is to listen on ", listen, ", beyond this machine, and knows nobody who may call. Give it "
        "an administrator with --admin-token-file FILE (head -c 32 /dev/urandom | base64 > FILE), or say --access open "
        "where whoever reaches it may do anything"));
  }
  if (options.tls.certificate.empty() && !options.insecure_tokens) {
    return absl::FailedPreconditionError(
        absl::StrCat("--tls-cert: tokens would come to ", listen, " unencrypted. Give a certificate and its key with "
                     "--tls-cert and --tls-key, or say --insecure-tokens on where something else encrypts"));
  }
  return v1::ACCESS_MODE_USERS;
}

Access::Access(const AccessOptions& options, std::unique_ptr<UserBook> users, const Catalog& catalog)
    : users_(std::move(users)),
      limiter_(options.defaults, [&catalog](const std::string& user) { return catalog.StoredBytes(user); }),
      brake_(options.refusals_per_minute) {}

absl::StatusOr<std::unique_ptr<Access>> Access::Open(const AccessOptions& options, absl::string_view listen,
                                                     std::string admin_token, index::Store& store,
                                                     const Catalog& catalog) {
  MIXMATCH_ASSIGN_OR_RETURN(std::unique_ptr<UserBook> users, UserBook::Open(store));
  if (!options.admin_token_file.empty()) {
    MIXMATCH_ASSIGN_OR_RETURN(admin_token, ReadSecret(options.admin_token_file));
  }
  if (!admin_token.empty()) MIXMATCH_RETURN_IF_ERROR(users->SetAdminToken(admin_token));
  std::unique_ptr<Access> access(new Access(options, std::move(users), catalog));
  const bool closed = access->users().IsClosed(/*certificates=*/!options.tls.client_ca.empty());
  MIXMATCH_ASSIGN_OR_RETURN(access->mode_, ChooseMode(options, listen, closed));
  access->reflection_ =
      options.reflection == "on" || (options.reflection == "default" && access->mode_ == v1::ACCESS_MODE_OPEN);
  if (access->mode_ == v1::ACCESS_MODE_USERS) {
    if (closed) Log::Warn("access: nobody can call yet; start with --admin-token-file FILE to make users");
    Log::Info("access: users only{}", options.tls.certificate.empty() ? ", without TLS" : ", over TLS");
  } else if (IsLoopback(listen)) {
    Log::Info("access: open to everyone on this machine");
  } else {
    Log::Warn("access: open: whoever reaches {} may read, change and delete everything", std::string(listen));
  }
  const absl::Time day_ago = absl::Now() - absl::Hours(24);
  for (uint64_t next = 1;;) {
    const auto records = catalog.From(next, 1000);
    if (records.empty()) return access;
    for (const auto& record : records) {
      const absl::Time when = absl::FromUnixSeconds(record->item().created_time().seconds());
      if (when < day_ago) continue;
      access->limiter_.AddEarlier(PrincipalOf(record->principal()), when, record->item().size_bytes());
    }
    next = records.back()->item().item_id() + 1;
  }
}

absl::StatusOr<Identity> Access::Identify(const Call& call) {
  MIXMATCH_ASSIGN_OR_RETURN(const absl::string_view token, BearerToken(call.context));
  if (!token.empty()) return users_->ByToken(token, call.began);
  if (const std::string name = CommonName(call.context); !name.empty()) return users_->ByCertificate(name);
  return absl::UnauthenticatedError(
      "authorization: this server takes calls of its users alone; send the metadata \"authorization: Bearer TOKEN\" "
      "(mixmatch: --token-file FILE)");
}

absl::Status Access::Admit(Call& call) {
  if (mode_ == v1::ACCESS_MODE_OPEN) {
    call.caller.principal = kLocalPrincipal;
    return absl::OkStatus();
  }
  const absl::StatusOr<Identity> identity = Identify(call);
  if (!identity.ok()) {
    const absl::Duration wait = brake_.Refused(call.context.peer(), call.began);
    if (wait == absl::ZeroDuration()) return identity.status();
    return TryAgainAfter(wait, "authorization: too many calls without a valid token; check it, and try again later");
  }
  const v1::User& user = *identity->user;
  call.caller.principal = user.name();
  call.caller.token_id = identity->token_id;
  if (!HasRole(user, call.rpc.role)) {
    return absl::PermissionDeniedError(absl::StrCat(
        call.rpc.name, ": needs the role ", RoleName(call.rpc.role), ", which user ", user.name(),
        " has not; an administrator gives roles with: mixmatch admin users put ", user.name(), " --roles ROLES"));
  }
  MIXMATCH_ASSIGN_OR_RETURN(call.caller.allowance, limiter_.Admit(user));
  return absl::OkStatus();
}

}  // namespace mixmatch::server
