// Who may make which call.
#ifndef MIXMATCH_SERVER_ACCESS_ACCESS_H_
#define MIXMATCH_SERVER_ACCESS_ACCESS_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "index/store/store.h"
#include "mixmatch/v1/access_service.pb.h"
#include "server/access/access_options.h"
#include "server/access/refusal_brake.h"
#include "server/access/user_book.h"
#include "server/access/user_limiter.h"
#include "server/catalog.h"
#include "server/rpc/front_door.h"

namespace mixmatch::server {

// Whether `listen` ("127.0.0.1:7411", "[::1]:0", "localhost:7411", "unix:/run/mixmatch") is reached from this machine
// alone.
bool IsLoopback(absl::string_view listen);

// `closed`: no user is known who could call. FAILED_PRECONDITION, with what to do: users alone may call on an address
// that others reach, but there is none, or tokens would come unencrypted.
absl::StatusOr<v1::AccessMode> ChooseMode(const AccessOptions& options, absl::string_view listen, bool closed);

// The value of MIXMATCH_ADMIN_TOKEN, which is wiped from the environment: before other processes are started. "" if
// unset.
std::string TakeAdminTokenVariable();

// A caller is known by the token in "authorization: Bearer TOKEN", or else by the common name of a certificate of the
// client CA, and must have the role of the RPC and be within its limits. Thread-safe.
class Access final : public Doorkeeper {
 public:
  // The admin token is what --admin-token-file holds, or else `admin_token`; both empty: there is none. `store` and
  // `catalog` outlive it.
  static absl::StatusOr<std::unique_ptr<Access>> Open(const AccessOptions& options, absl::string_view listen,
                                                      std::string admin_token, index::Store& store,
                                                      const Catalog& catalog);

  absl::Status Admit(Call& call) override;

  v1::AccessMode mode() const { return mode_; }
  // Whether strangers are told which services there are.
  bool reflection() const { return reflection_; }
  UserBook& users() { return *users_; }

 private:
  Access(const AccessOptions& options, std::unique_ptr<UserBook> users, const Catalog& catalog);
  absl::StatusOr<Identity> Identify(const Call& call);

  const std::unique_ptr<UserBook> users_;
  v1::AccessMode mode_ = v1::ACCESS_MODE_USERS;
  bool reflection_ = false;
  UserLimiter limiter_;
  RefusalBrake brake_;
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_ACCESS_ACCESS_H_
