// The users and their tokens.
#ifndef MIXMATCH_SERVER_ACCESS_USER_BOOK_H_
#define MIXMATCH_SERVER_ACCESS_USER_BOOK_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "index/store/store.h"
#include "mixmatch/v1/access_service.pb.h"

namespace mixmatch::server {

inline constexpr char kAdminUser[] = "admin";
inline constexpr char kAdminTokenId[] = "admin-token-file";

// Who makes a call.
struct Identity {
  std::shared_ptr<const v1::User> user;
  std::string token_id;  // Empty: a certificate says it.
};

// ROLE_ADMIN has all; everyone has ROLE_UNSPECIFIED.
bool HasRole(const v1::User& user, v1::Role role);

// What every change commits, synced, before it holds. Thread-safe; who calls is told without waiting for changes.
class UserBook {
 public:
  // Reads what is stored. `store` outlives it.
  static absl::StatusOr<std::unique_ptr<UserBook>> Open(index::Store& store);

  // The token of user "admin", who is made, enabled or given ROLE_ADMIN as need be. It is kept in memory alone. Before
  // calls come. INVALID_ARGUMENT: shorter than 32 characters.
  absl::Status SetAdminToken(absl::string_view secret);

  // UNAUTHENTICATED: unknown, ended, or of a disabled user. Tells only those who have the right secret what is wrong.
  absl::StatusOr<Identity> ByToken(absl::string_view secret, absl::Time now);
  // As a certificate of the trusted CA says it.
  absl::StatusOr<Identity> ByCertificate(absl::string_view common_name) const;
  // nullptr if there is none.
  std::shared_ptr<const v1::User> User(absl::string_view name) const;
  // Whether nobody at all could call a server in ACCESS_MODE_USERS, with certificates or without.
  bool IsClosed(bool certificates) const;

  // See AccessService.
  absl::StatusOr<v1::User> PutUser(v1::User user);
  absl::Status DeleteUser(const std::string& name);
  absl::StatusOr<v1::CreateTokenResponse> CreateToken(const v1::CreateTokenRequest& request, absl::Time now);
  absl::StatusOr<v1::Token> RevokeToken(const std::string& token_id);
  // By name, from the first after `after` on.
  std::vector<v1::User> Users(absl::string_view after, size_t most) const;
  // The newest first; of one user or, with an empty name, of all.
  std::vector<v1::Token> Tokens(absl::string_view user) const;

 private:
  // All of it at one moment; replaced, never changed.
  struct Book {
    std::map<std::string, std::shared_ptr<const v1::User>, std::less<>> users;
    absl::flat_hash_map<std::string, std::shared_ptr<const storage::v1::StoredToken>> tokens;  // By id.
  };

  explicit UserBook(index::Store& store) : store_(store), book_(std::make_shared<Book>()) {}
  std::shared_ptr<const Book> Now() const;
  // Commits `book`, then it holds.
  absl::Status Replace(Book book) ABSL_EXCLUSIVE_LOCKS_REQUIRED(editing_);
  absl::Status CheckAdministrable(const Book& before, const Book& after) const;
  void NoteUse(const std::string& token_id, absl::Time now);

  index::Store& store_;
  std::string admin_hash_;  // Empty: no such token.
  absl::Mutex editing_;     // Held by the one who changes; before mutex_.
  mutable absl::Mutex mutex_;
  std::shared_ptr<const Book> book_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, absl::Time> used_ ABSL_GUARDED_BY(mutex_);  // By token id, to the minute.
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_ACCESS_USER_BOOK_H_
