#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "mixmatch/v1/access_service.grpc.pb.h"
#include "proto/base/status_macros.h"
#include "server/access/access.h"
#include "server/services.h"
#include "server/validation.h"

namespace mixmatch::server {
namespace {

class AccessServiceImpl final : public v1::AccessService::Service {
 public:
  AccessServiceImpl(Core& core, Access& access, FrontDoor& door) : core_(core), access_(access), door_(door) {}

  grpc::Status WhoAmI(grpc::ServerContext* context, const v1::WhoAmIRequest*, v1::WhoAmIResponse* response) override {
    return door_.Handle(*context, "AccessService/WhoAmI", [&](const Caller& caller) {
      response->set_user(caller.principal);
      response->set_token_id(caller.token_id);
      response->set_mode(access_.mode());
      if (access_.mode() == v1::ACCESS_MODE_OPEN) {
        for (const v1::Role role : {v1::ROLE_READ, v1::ROLE_WRITE, v1::ROLE_LEARN, v1::ROLE_ADMIN}) {
          response->add_roles(role);
        }
      } else if (const auto user = access_.users().User(caller.principal); user != nullptr) {
        *response->mutable_roles() = user->roles();
      }
      return absl::OkStatus();
    });
  }

  grpc::Status PutUser(grpc::ServerContext* context, const v1::PutUserRequest* request,
                       v1::PutUserResponse* response) override {
    return door_.Handle(*context, "AccessService/PutUser", [&](const Caller& caller) {
      auto user = access_.users().PutUser(request->user());
      if (!user.ok()) return user.status();
      caller.subject = absl::StrCat("user ", user->name());
      *response->mutable_user() = WithBytes(*std::move(user));
      return absl::OkStatus();
    });
  }

  grpc::Status ListUsers(grpc::ServerContext* context, const v1::ListUsersRequest* request,
                         v1::ListUsersResponse* response) override {
    return door_.Handle(*context, "AccessService/ListUsers",
                        [&](const Caller&) { return DoListUsers(*request, *response); });
  }

  grpc::Status DeleteUser(grpc::ServerContext* context, const v1::DeleteUserRequest* request,
                          v1::DeleteUserResponse*) override {
    return door_.Handle(*context, "AccessService/DeleteUser", [&](const Caller& caller) {
      MIXMATCH_RETURN_IF_ERROR(access_.users().DeleteUser(request->name()));
      caller.subject = absl::StrCat("user ", request->name());
      return absl::OkStatus();
    });
  }

  grpc::Status CreateToken(grpc::ServerContext* context, const v1::CreateTokenRequest* request,
                           v1::CreateTokenResponse* response) override {
    return door_.Handle(*context, "AccessService/CreateToken", [&](const Caller& caller) {
      auto made = access_.users().CreateToken(*request, absl::Now());
      if (!made.ok()) return made.status();
      caller.subject = absl::StrCat("token ", made->token().token_id(), " of user ", made->token().user());
      *response = *std::move(made);
      return absl::OkStatus();
    });
  }

  grpc::Status ListTokens(grpc::ServerContext* context, const v1::ListTokensRequest* request,
                          v1::ListTokensResponse* response) override {
    return door_.Handle(*context, "AccessService/ListTokens",
                        [&](const Caller&) { return DoListTokens(*request, *response); });
  }

  grpc::Status RevokeToken(grpc::ServerContext* context, const v1::RevokeTokenRequest* request,
                           v1::RevokeTokenResponse* response) override {
    return door_.Handle(*context, "AccessService/RevokeToken", [&](const Caller& caller) {
      auto token = access_.users().RevokeToken(request->token_id());
      if (!token.ok()) return token.status();
      caller.subject = absl::StrCat("token ", token->token_id(), " of user ", token->user());
      *response->mutable_token() = *std::move(token);
      return absl::OkStatus();
    });
  }

 private:
  v1::User WithBytes(v1::User user) const {
    user.set_stored_bytes(static_cast<int64_t>(core_.catalog.StoredBytes(user.name())));
    return user;
  }

  absl::Status DoListUsers(const v1::ListUsersRequest& request, v1::ListUsersResponse& response) {
    MIXMATCH_ASSIGN_OR_RETURN(const int page_size, PageSize(request.page_size()));
    std::vector<v1::User> users = access_.users().Users(request.page_token(), page_size + 1);
    const bool more = users.size() > page_size;
    if (more) users.pop_back();
    if (more) response.set_next_page_token(users.back().name());
    for (v1::User& user : users) *response.add_users() = WithBytes(std::move(user));
    return absl::OkStatus();
  }

  // The page token is the id of the last token of the page before.
  absl::Status DoListTokens(const v1::ListTokensRequest& request, v1::ListTokensResponse& response) {
    MIXMATCH_ASSIGN_OR_RETURN(const int page_size, PageSize(request.page_size()));
    const std::vector<v1::Token> tokens = access_.users().Tokens(request.user());
    auto next = tokens.begin();
    if (!request.page_token().empty()) {
      next = std::find_if(tokens.begin(), tokens.end(),
                          [&](const v1::Token& token) { return token.token_id() == request.page_token(); });
      if (next == tokens.end()) {
        return absl::InvalidArgumentError("page_token: not from an earlier answer, or its token is gone; begin again");
      }
      ++next;
    }
    for (; next != tokens.end() && response.tokens_size() < page_size; ++next) *response.add_tokens() = *next;
    if (next != tokens.end()) response.set_next_page_token(response.tokens().rbegin()->token_id());
    return absl::OkStatus();
  }

  Core& core_;
  Access& access_;
  FrontDoor& door_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeAccessService(Core& core, Access& access, FrontDoor& door) {
  return std::make_unique<AccessServiceImpl>(core, access, door);
}

}  // namespace mixmatch::server
