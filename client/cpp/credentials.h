// What a client shows a server, and asks of it: a token, TLS, a certificate of its own.
#ifndef MIXMATCH_CLIENT_CPP_CREDENTIALS_H_
#define MIXMATCH_CLIENT_CPP_CREDENTIALS_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace grpc {
class Channel;
class ChannelArguments;
}  // namespace grpc

namespace mixmatch::client {

// PEM texts, not paths.
struct Credentials {
  std::string token;           // Sent with each call; empty: none.
  bool tls = false;            // Encrypt, and check the server's certificate.
  std::string tls_ca;          // Who may have signed it; empty: the system's CAs.
  std::string tls_certificate; // The client's own, where the server asks for one;
  std::string tls_key;         // and its key.
  std::string server_name;     // In the server's certificate; empty: the host of the address.
  bool insecure_token = false; // Send the token unencrypted to another machine too.
};

// Where they are read from; empty: not given.
struct CredentialFiles {
  std::string token, tls_ca, tls_certificate, tls_key;
};

// A CA or certificate turns TLS on. INVALID_ARGUMENT: a file that cannot be read, or a certificate without its key.
absl::StatusOr<Credentials> ReadCredentials(const CredentialFiles& files);

// Whether `address` ("127.0.0.1:7411", "localhost:7411", "unix:/run/mixmatch") is on this machine.
bool IsOnThisMachine(absl::string_view address);

// Whether the token would go to another machine unencrypted; it is not sent then, unless insecure_token says so.
bool WouldShowToken(const Credentials& credentials, absl::string_view address);

// Connects lazily, and sends the token with each call.
std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address, const Credentials& credentials,
                                           const grpc::ChannelArguments& arguments);

}  // namespace mixmatch::client

#endif  // MIXMATCH_CLIENT_CPP_CREDENTIALS_H_
